import { expect, test } from 'vitest'
import { batchOf } from './catalog.ts'
import { always, march, type StoreUnderTest } from './store-under-test.ts'

/** What a reading store makes of names, whoever let them in. */
export function testNames(here: StoreUnderTest): void {
  test('keeps apart metrics that differ in case, and those named like parts of a row', async () => {
    const names = [
      'Power',
      'POWER',
      'device',
      'time_ms',
      'quality',
      'value',
      'select',
      'v0_power',
      'time',
      'received_ms',
    ]
    names.push('device_number', 'device_time_ms', 'name', '_field', '_time', 'log', 'store')
    const series = names.map((metric) => here.catalog.add(1, metric, { profile: 'meter-1ph', known: true }))
    await here.store.write(batchOf(...series.map((id) => ({ series: id, at: march, value: id }))), 1)
    expect([...(await here.store.latest(Int32Array.from(series))).values]).toEqual(series)
  })

  test("keeps apart a metric's quality and metrics that are named like it", async () => {
    const names = ['v', 'v__q', 'v__q__q', 'v__q_', 'time', 'time__q', 'q', '__q']
    const series = names.map((metric) => here.catalog.add(1, metric, { profile: 'meter-1ph', known: true }))
    const quality = series.map((_, i) => (i % 4) as 0 | 1 | 2 | 3)
    await here.store.write(
      batchOf(...series.map((id, i) => ({ series: id, at: march, value: id, quality: quality[i] ?? 0 }))),
      1,
    )
    const latest = await here.store.latest(Int32Array.from(series))
    expect([[...latest.values], [...latest.quality]]).toEqual([series, quality])
  })

  test('takes names of any letters, with spaces, commas, quotes, backslashes and line breaks', async () => {
    const strange = [
      'größe',
      '電圧 1',
      'a,b=c',
      'a\\',
      '\\,x',
      '"quoted"',
      "it's",
      'line\nbreak',
      '100 %',
      '😀',
      '#1',
      'a.b',
    ]
    const series = strange.map((name, i) =>
      here.catalog.add(10 + i, name, { profile: name, known: i % 2 === 0, device: name }),
    )
    await here.store.write(
      batchOf(...series.map((id) => ({ series: id, at: march, value: id, quality: 1 as const }))),
      1,
    )
    await here.store.write(batchOf(...series.map((id) => ({ series: id, at: march + 1, value: -id }))), 2)
    for (const id of series) {
      const { values, quality } = await here.store.range({ seriesId: id, ...always })
      expect([[...values], [...quality]]).toEqual([
        [id, -id],
        [1, 0],
      ])
      const { count } = await here.store.buckets({ seriesId: id, edgesMs: Float64Array.of(march, march + 10) })
      expect(count[0]).toBe(2)
    }
    expect([...(await here.store.latest(Int32Array.from(series))).values]).toEqual(series.map((id) => -id))
  })

  test('keeps apart devices that bore the same id one after the other', async () => {
    const of = { profile: 'meter-1ph', known: true, device: 'main-meter' }
    const first = here.catalog.add(31, 'voltage', of)
    await here.store.write(
      batchOf({ series: first, at: march, value: 1 }, { series: first, at: march + 2, value: 3 }),
      1,
    )
    const second = here.catalog.add(32, 'voltage', of)
    const third = here.catalog.add(33, 'voltage', of)
    await here.store.write(
      batchOf({ series: second, at: march, value: 10 }, { series: third, at: march + 1, value: 20 }),
      2,
    )
    await here.store.write(batchOf({ series: second, at: march + 3, value: 11 }), 3)
    expect(await here.readingsOf(first)).toEqual([
      [march, 1],
      [march + 2, 3],
    ])
    expect(await here.readingsOf(second)).toEqual([
      [march, 10],
      [march + 3, 11],
    ])
    expect(await here.readingsOf(third)).toEqual([[march + 1, 20]])
    expect([...(await here.store.latest(Int32Array.of(first, second, third))).values]).toEqual([3, 11, 20])
  })
}
