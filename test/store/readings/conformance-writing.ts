import { expect, test } from 'vitest'
import { isAppError } from '../../../model/index.ts'
import { batchOf, type TestReading } from './catalog.ts'
import { always, dayMs, discovered, march, other, power, type StoreUnderTest, voltage } from './store-under-test.ts'

/** What a reading store makes of batches. */
export function testWriting(here: StoreUnderTest, supports: { readonly everyTime: boolean }): void {
  test('takes an empty batch as a step of the position', async () => {
    await here.store.write(batchOf(), 12)
    await here.expectReadings(0)
  })

  test('keeps one reading per series and time, the last one written, with its quality', async () => {
    await here.store.write(batchOf({ series: voltage, at: march, value: 1, quality: 1 }), 1)
    await here.store.write(
      batchOf(
        { series: voltage, at: march, value: 2, quality: 3 },
        { series: voltage, at: march + 1, value: 5 },
        { series: voltage, at: march, value: 3, quality: 2 },
        { series: voltage, at: march + 1, value: 6, quality: 1 },
        { series: voltage, at: march + 1, value: 7 },
      ),
      2,
    )
    const range = await here.store.range({ seriesId: voltage, ...always })
    expect([[...range.timesMs], [...range.values], [...range.quality]]).toEqual([
      [march, march + 1],
      [3, 7],
      [2, 0],
    ])
    await here.expectReadings(2)
  })

  test('merges what several messages say of one moment, metric by metric', async () => {
    await here.store.write(batchOf({ series: voltage, at: march, value: 1, quality: 1 }), 1)
    await here.store.write(batchOf({ series: power, at: march, value: 2 }, { series: other, at: march, value: 9 }), 2)
    await here.store.write(
      batchOf({ series: other, at: march + 5, value: 10 }, { series: power, at: march, value: 3 }),
      3,
    )
    expect(await here.readingsOf(voltage)).toEqual([[march, 1]])
    expect((await here.store.range({ seriesId: voltage, ...always })).quality).toEqual(Uint8Array.of(1))
    expect(await here.readingsOf(power)).toEqual([[march, 3]])
    expect(await here.readingsOf(other)).toEqual([
      [march, 9],
      [march + 5, 10],
    ])
    await here.expectReadings(4)
  })

  test('merges scalars of one moment that are spread over a batch', async () => {
    await here.store.write(
      batchOf(
        { series: voltage, at: march, value: 1 },
        { series: other, at: march, value: 2 },
        { series: power, at: march, value: 3, quality: 1 },
        { series: voltage, at: march + 1, value: 4 },
        { series: power, at: march, value: 5 },
      ),
      1,
    )
    expect(await here.readingsOf(power)).toEqual([[march, 5]])
    expect(await here.readingsOf(voltage)).toEqual([
      [march, 1],
      [march + 1, 4],
    ])
    expect((await here.store.range({ seriesId: power, ...always })).quality).toEqual(Uint8Array.of(0))
  })

  test('puts late readings where they belong, over many days', async () => {
    await here.store.write(batchOf({ series: voltage, at: march + 40 * dayMs, value: 40 }), 1)
    const days = Array.from({ length: 40 }, (_, i) => 39 - i)
    await here.store.write(batchOf(...days.map((day) => ({ series: voltage, at: march + day * dayMs, value: day }))), 2)
    await here.store.write(batchOf({ series: power, at: march + 3 * dayMs, value: 33 }), 3)
    const expected = Array.from({ length: 41 }, (_, day) => [march + day * dayMs, day])
    expect(await here.readingsOf(voltage)).toEqual(expected)
    expect(await here.readingsOf(power)).toEqual([[march + 3 * dayMs, 33]])
    expect((await here.store.latest(Int32Array.of(voltage))).values[0]).toBe(40)
    expect((await here.store.stats()).lateRows).toBeGreaterThanOrEqual(40)
  })

  test('is the same after the same batch twice', async () => {
    const batch = batchOf(
      ...Array.from({ length: 3_000 }, (_, i): TestReading => {
        return {
          series: [voltage, power, other, discovered][i % 4] ?? 1,
          at: march + Math.floor(i / 4) * 1000,
          value: i,
        }
      }),
    )
    await here.store.write(batch, 1)
    const before = [await here.readingsOf(voltage), await here.readingsOf(power), await here.readingsOf(discovered)]
    await here.store.write(batch, 1)
    expect([await here.readingsOf(voltage), await here.readingsOf(power), await here.readingsOf(discovered)]).toEqual(
      before,
    )
    await here.expectReadings(3_000)
  })

  test('gives back every finite number bit by bit', async () => {
    const numbers = [0, -0, 0.1, -1e308, 1.7976931348623157e308, 5e-324, -5e-324, 2 ** 53, 1 / 3, 123456789.125]
    await here.store.write(batchOf(...numbers.map((value, i) => ({ series: voltage, at: march + i, value }))), 1)
    const { values } = await here.store.range({ seriesId: voltage, ...always })
    expect([...values].every((value, i) => Object.is(value, numbers[i]))).toBe(true)
  })

  test('stores times before 1970 and far ahead', async () => {
    const times = [-62_135_596_800_000, -1, 0, 1, 4_294_967_295, 4_294_967_296, 4_294_967_297, 253_402_300_799_999]
    const holds = (timeMs: number) => supports.everyTime || Math.abs(timeMs) < 9.2e12
    const batch = batchOf(...times.map((at, i) => ({ series: voltage, at, value: i })))
    const { refused } = await here.store.write(batch, 1)
    expect((await here.readingsOf(voltage)).map(([timeMs]) => timeMs)).toEqual(times.filter(holds))
    expect(refused.map(({ index }) => times[index])).toEqual(times.filter((timeMs) => !holds(timeMs)))
  })

  test('refuses a reading of a series that nobody knows, with all of its batch', async () => {
    const write = here.store.write(
      batchOf({ series: voltage, at: march, value: 1 }, { series: 999, at: march, value: 2 }),
      5,
    )
    await expect(write).rejects.toSatisfy((error) => isAppError(error, 'invalid_input') && !error.retryable)
    await here.expectReadings(0)
  })

  test('holds a device with more metrics than its profile has room for', async () => {
    const many = Array.from({ length: 40 }, (_, i) =>
      here.catalog.add(7, `metric_${i}`, { profile: 'plc', known: true }),
    )
    for (const half of [many.slice(0, 16), many.slice(16)])
      await here.store.write(
        batchOf(...half.map((series) => ({ series, at: march, value: series, quality: 1 as const }))),
        1,
      )
    await here.store.write(
      batchOf(...many.map((series, i) => ({ series, at: march + 1, value: i, quality: 3 as const }))),
      2,
    )
    const latest = await here.store.latest(Int32Array.from(many))
    expect([...latest.values]).toEqual(many.map((_, i) => i))
    expect([...latest.quality]).toEqual(many.map(() => 3))
    for (const series of many)
      expect(await here.store.range({ seriesId: series, ...always })).toMatchObject({
        values: Float64Array.of(series, many.indexOf(series)),
        quality: Uint8Array.of(1, 3),
      })
  })
}
