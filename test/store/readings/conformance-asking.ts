import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { isAppError } from '../../../model/index.ts'
import { batchOf } from './catalog.ts'
import { always, discovered, hourMs, march, other, power, type StoreUnderTest, voltage } from './store-under-test.ts'

/** What a reading store answers. */
export function testAsking(here: StoreUnderTest, supports: { readonly wholeBatches: boolean }): void {
  test('is empty at first, and its position is 0', async () => {
    expect(await here.store.open()).toMatchObject({ position: 0 })
    expect(await here.readingsOf(voltage)).toEqual([])
    const latest = await here.store.latest(Int32Array.of(voltage, 999))
    expect([...latest.timesMs]).toEqual([Number.NaN, Number.NaN])
    await here.expectReadings(0)
    const { count, avg } = await here.store.buckets({ seriesId: voltage, edgesMs: Float64Array.of(0, 10, 20) })
    expect([[...count], [...avg]]).toEqual([
      [0, 0],
      [Number.NaN, Number.NaN],
    ])
  })

  test('gives back what was written, ascending in time, with quality and received time', async () => {
    await here.store.write(
      batchOf(
        { series: voltage, at: march, value: 229.8, received: march + 3 },
        { series: power, at: march, value: -1500, quality: 1, received: march + 3 },
        { series: other, at: march + 1, value: 231, quality: 3, received: march + 4 },
        { series: discovered, at: march, value: 0.25, quality: 2, received: march + 3 },
        { series: voltage, at: march + 1000, value: 230.1, quality: 2, received: march + 1004 },
      ),
      7,
    )
    const range = await here.store.range({ seriesId: voltage, ...always })
    expect(range).toEqual({
      timesMs: Float64Array.of(march, march + 1000),
      values: Float64Array.of(229.8, 230.1),
      quality: Uint8Array.of(0, 2),
      receivedMs: Float64Array.of(march + 3, march + 1004),
    })
    expect((await here.store.range({ seriesId: power, ...always })).quality).toEqual(Uint8Array.of(1))
    expect((await here.store.range({ seriesId: discovered, ...always })).quality).toEqual(Uint8Array.of(2))
    expect(await here.store.latest(Int32Array.of(other, voltage, discovered))).toEqual({
      timesMs: Float64Array.of(march + 1, march + 1000, march),
      values: Float64Array.of(231, 230.1, 0.25),
      quality: Uint8Array.of(3, 2, 2),
      receivedMs: Float64Array.of(march + 4, march + 1004, march + 3),
    })
    await here.expectReadings(5)
  })

  test('cuts a range at its bounds and its limit', async () => {
    await here.store.write(batchOf(...[0, 1, 2, 3, 4].map((i) => ({ series: voltage, at: march + i, value: i }))), 1)
    const values = async (from: number, to: number, limit: number) =>
      (await here.readingsOf(voltage, { fromMs: march + from, toMs: march + to, limit })).map(([, value]) => value)
    expect(await values(1, 3, 10)).toEqual([1, 2])
    expect(await values(0, 5, 3)).toEqual([0, 1, 2])
    expect(await values(0, 5, 0)).toEqual([])
    expect(await values(3, 1, 10)).toEqual([])
    expect(await values(0.5, 2.5, 10)).toEqual([1, 2])
    expect(
      await here.readingsOf(voltage, { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY, limit: 9 }),
    ).toHaveLength(5)
  })

  test('aggregates buckets of equal length', async () => {
    const values = [5, 1, 3, -2, 8]
    await here.store.write(batchOf(...values.map((value, i) => ({ series: voltage, at: march + i * 1000, value }))), 1)
    const edgesMs = Float64Array.of(march - 3000, march, march + 3000, march + 6000)
    expect(await here.store.buckets({ seriesId: voltage, edgesMs })).toEqual({
      count: Float64Array.of(0, 3, 2),
      avg: Float64Array.of(Number.NaN, 3, 3),
      min: Float64Array.of(Number.NaN, 1, -2),
      max: Float64Array.of(Number.NaN, 5, 8),
      sum: Float64Array.of(Number.NaN, 9, 6),
      first: Float64Array.of(Number.NaN, 5, -2),
      last: Float64Array.of(Number.NaN, 3, 8),
    })
  })

  test('aggregates local days of 23 and 25 hours', async () => {
    // Europe/Berlin, 27 to 31 March 2027: the clocks go forward on the 28th.
    const edges = [0, 24, 47, 71].map((hours) => Date.UTC(2027, 2, 26, 23) + hours * hourMs)
    const hours = Array.from({ length: 72 }, (_, hour) => ({
      series: voltage,
      at: Date.UTC(2027, 2, 26, 23) + hour * hourMs,
      value: hour,
    }))
    await here.store.write(batchOf(...hours), 1)
    const { count, first, last } = await here.store.buckets({ seriesId: voltage, edgesMs: Float64Array.from(edges) })
    expect([[...count], [...first], [...last]]).toEqual([
      [24, 23, 24],
      [0, 24, 47],
      [23, 46, 70],
    ])
  })

  test('has the mean of values whose sum is more than a number can be', async () => {
    await here.store.write(
      batchOf({ series: voltage, at: march, value: 1.7e308 }, { series: voltage, at: march + 1, value: 1.7e308 }),
      1,
    )
    const edgesMs = Float64Array.of(march, march + 10)
    const { avg, sum, max } = await here.store.buckets({ seriesId: voltage, edgesMs })
    expect([avg[0], sum[0], max[0]]).toEqual([1.7e308, Number.POSITIVE_INFINITY, 1.7e308])
  })

  test('refuses edges that are no buckets', async () => {
    await here.store.write(batchOf({ series: voltage, at: march, value: 1 }), 1)
    for (const edgesMs of [[], [1], [2, 1], [1, 1], [1, 3, 3]]) {
      const asked = here.store.buckets({ seriesId: voltage, edgesMs: Float64Array.from(edgesMs) })
      await expect(asked).rejects.toSatisfy((error) => isAppError(error, 'invalid_input'))
    }
  })

  test('answers 10,000 buckets', async () => {
    await here.store.write(
      batchOf(...[0, 9_999].map((i) => ({ series: voltage, at: march + i * 60_000, value: i }))),
      1,
    )
    const edgesMs = Float64Array.from({ length: 10_001 }, (_, i) => march + i * 60_000)
    const { count, last } = await here.store.buckets({ seriesId: voltage, edgesMs })
    expect([count[0], count[1], count[9_999], last[9_999]]).toEqual([1, 0, 1, 9_999])
  })

  test('answers queries while it writes', async () => {
    const batches = Array.from({ length: 20 }, (_, n) =>
      batchOf(
        ...Array.from({ length: 50 }, (_, i) => ({ series: voltage, at: march + n * 50 + i, value: n })),
        ...Array.from({ length: 50 }, (_, i) => ({ series: other, at: march + n * 50 + i, value: n })),
      ),
    )
    const counts: number[] = []
    let writing = true
    const asking = [1, 2, 3, 4].map(async () => {
      while (writing) {
        counts.push((await here.store.range({ seriesId: other, ...always })).values.length)
        await setImmediate()
      }
    })
    try {
      for (const [n, batch] of batches.entries()) await here.store.write(batch, n + 1)
    } finally {
      writing = false
      await Promise.all(asking)
    }
    if (supports.wholeBatches) expect(counts.every((count) => count % 50 === 0)).toBe(true)
    expect(await here.readingsOf(other)).toHaveLength(1_000)
  })
}
