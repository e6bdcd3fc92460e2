import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isAppError } from '../../../model/index.ts'
import type { BucketColumns, ReadingStore, SeriesCatalog } from '../../../store/readings/index.ts'
import { batchOf, createTestCatalog, type TestCatalog, type TestReading } from './catalog.ts'
import { createMemoryReadings } from './memory-readings.ts'

/** Where a store under test keeps its things. */
export interface StorePlace {
  /** Each call is another start of the store at the same place, after the one before was closed. */
  create(catalog: SeriesCatalog): ReadingStore
  remove(): Promise<void>
}

export interface StoreSupport {
  /** What was stored is there after a restart. */
  readonly restart: boolean
  /** Runs of the random comparison: a real store takes milliseconds for what a map does at once. */
  readonly runs: number
}

const dayMs = 86_400_000
const hourMs = 3_600_000
/** 2026-03-01T00:00:00Z */
const march = 1_772_323_200_000
const always = { fromMs: -1e15, toMs: 1e15, limit: 1_000_000 }

export function describeReadingStore(name: string, begin: () => Promise<StorePlace>, supports: StoreSupport): void {
  describe(`${name}: a reading store`, () => {
    let place: StorePlace
    let catalog: TestCatalog
    let store: ReadingStore
    /** Two metrics of one device, one of another, and one that no profile knows. */
    let voltage: number
    let power: number
    let other: number
    let discovered: number

    beforeEach(async () => {
      place = await begin()
      catalog = createTestCatalog()
      const known = { profile: 'meter-1ph', known: true }
      voltage = catalog.add(1, 'voltage', known)
      power = catalog.add(1, 'power', known)
      other = catalog.add(2, 'voltage', known)
      discovered = catalog.add(1, 'harmonics_5', { profile: 'meter-1ph', known: false })
      store = place.create(catalog)
      await store.open()
    })

    afterEach(async () => {
      await store.close()
      await place.remove()
    })

    const readingsOf = async (seriesId: number, range = always) => {
      const { timesMs, values } = await store.range({ seriesId, ...range })
      return [...timesMs].map((timeMs, i) => [timeMs, values[i]])
    }

    test('is empty at first, and its position is 0', async () => {
      expect(await store.open()).toBe(0)
      expect(await readingsOf(voltage)).toEqual([])
      const latest = await store.latest(Int32Array.of(voltage, 999))
      expect([...latest.timesMs]).toEqual([Number.NaN, Number.NaN])
      expect(await store.stats()).toMatchObject({ readings: 0, rows: 0, lateRows: 0 })
      const { count, avg } = await store.buckets({ seriesId: voltage, edgesMs: Float64Array.of(0, 10, 20) })
      expect([[...count], [...avg]]).toEqual([
        [0, 0],
        [Number.NaN, Number.NaN],
      ])
    })

    test('gives back what was written, ascending in time, with quality and received time', async () => {
      await store.write(
        batchOf(
          { series: voltage, at: march, value: 229.8, received: march + 3 },
          { series: power, at: march, value: -1500, quality: 1, received: march + 3 },
          { series: other, at: march + 1, value: 231, quality: 3, received: march + 4 },
          { series: discovered, at: march, value: 0.25, quality: 2, received: march + 3 },
          { series: voltage, at: march + 1000, value: 230.1, quality: 2, received: march + 1004 },
        ),
        7,
      )
      const range = await store.range({ seriesId: voltage, ...always })
      expect(range).toEqual({
        timesMs: Float64Array.of(march, march + 1000),
        values: Float64Array.of(229.8, 230.1),
        quality: Uint8Array.of(0, 2),
        receivedMs: Float64Array.of(march + 3, march + 1004),
      })
      expect((await store.range({ seriesId: power, ...always })).quality).toEqual(Uint8Array.of(1))
      expect((await store.range({ seriesId: discovered, ...always })).quality).toEqual(Uint8Array.of(2))
      expect(await store.latest(Int32Array.of(other, voltage, discovered))).toEqual({
        timesMs: Float64Array.of(march + 1, march + 1000, march),
        values: Float64Array.of(231, 230.1, 0.25),
        quality: Uint8Array.of(3, 2, 2),
        receivedMs: Float64Array.of(march + 4, march + 1004, march + 3),
      })
      expect((await store.stats()).readings).toBe(5)
    })

    test('takes an empty batch as a step of the position', async () => {
      await store.write(batchOf(), 12)
      expect((await store.stats()).readings).toBe(0)
    })

    test('keeps one reading per series and time, the last one written, with its quality', async () => {
      await store.write(batchOf({ series: voltage, at: march, value: 1, quality: 1 }), 1)
      await store.write(
        batchOf(
          { series: voltage, at: march, value: 2, quality: 3 },
          { series: voltage, at: march + 1, value: 5 },
          { series: voltage, at: march, value: 3, quality: 2 },
          { series: voltage, at: march + 1, value: 6, quality: 1 },
          { series: voltage, at: march + 1, value: 7 },
        ),
        2,
      )
      const range = await store.range({ seriesId: voltage, ...always })
      expect([[...range.timesMs], [...range.values], [...range.quality]]).toEqual([
        [march, march + 1],
        [3, 7],
        [2, 0],
      ])
      expect((await store.stats()).readings).toBe(2)
    })

    test('merges what several messages say of one moment, metric by metric', async () => {
      await store.write(batchOf({ series: voltage, at: march, value: 1, quality: 1 }), 1)
      await store.write(batchOf({ series: power, at: march, value: 2 }, { series: other, at: march, value: 9 }), 2)
      await store.write(batchOf({ series: other, at: march + 5, value: 10 }, { series: power, at: march, value: 3 }), 3)
      expect(await readingsOf(voltage)).toEqual([[march, 1]])
      expect((await store.range({ seriesId: voltage, ...always })).quality).toEqual(Uint8Array.of(1))
      expect(await readingsOf(power)).toEqual([[march, 3]])
      expect(await readingsOf(other)).toEqual([
        [march, 9],
        [march + 5, 10],
      ])
      expect((await store.stats()).readings).toBe(4)
    })

    test('merges scalars of one moment that are spread over a batch', async () => {
      await store.write(
        batchOf(
          { series: voltage, at: march, value: 1 },
          { series: other, at: march, value: 2 },
          { series: power, at: march, value: 3, quality: 1 },
          { series: voltage, at: march + 1, value: 4 },
          { series: power, at: march, value: 5 },
        ),
        1,
      )
      expect(await readingsOf(power)).toEqual([[march, 5]])
      expect(await readingsOf(voltage)).toEqual([
        [march, 1],
        [march + 1, 4],
      ])
      expect((await store.range({ seriesId: power, ...always })).quality).toEqual(Uint8Array.of(0))
    })

    test('puts late readings where they belong, over many days', async () => {
      await store.write(batchOf({ series: voltage, at: march + 40 * dayMs, value: 40 }), 1)
      const days = Array.from({ length: 40 }, (_, i) => 39 - i)
      await store.write(batchOf(...days.map((day) => ({ series: voltage, at: march + day * dayMs, value: day }))), 2)
      await store.write(batchOf({ series: power, at: march + 3 * dayMs, value: 33 }), 3)
      const expected = Array.from({ length: 41 }, (_, day) => [march + day * dayMs, day])
      expect(await readingsOf(voltage)).toEqual(expected)
      expect(await readingsOf(power)).toEqual([[march + 3 * dayMs, 33]])
      expect((await store.latest(Int32Array.of(voltage))).values[0]).toBe(40)
      expect((await store.stats()).lateRows).toBeGreaterThanOrEqual(40)
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
      await store.write(batch, 1)
      const before = [await readingsOf(voltage), await readingsOf(power), await readingsOf(discovered)]
      await store.write(batch, 1)
      expect([await readingsOf(voltage), await readingsOf(power), await readingsOf(discovered)]).toEqual(before)
      expect((await store.stats()).readings).toBe(3_000)
    })

    test('cuts a range at its bounds and its limit', async () => {
      await store.write(batchOf(...[0, 1, 2, 3, 4].map((i) => ({ series: voltage, at: march + i, value: i }))), 1)
      const values = async (from: number, to: number, limit: number) =>
        (await readingsOf(voltage, { fromMs: march + from, toMs: march + to, limit })).map(([, value]) => value)
      expect(await values(1, 3, 10)).toEqual([1, 2])
      expect(await values(0, 5, 3)).toEqual([0, 1, 2])
      expect(await values(0, 5, 0)).toEqual([])
      expect(await values(3, 1, 10)).toEqual([])
      expect(await values(0.5, 2.5, 10)).toEqual([1, 2])
      expect(
        await readingsOf(voltage, { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY, limit: 9 }),
      ).toHaveLength(5)
    })

    test('gives back every finite number bit by bit', async () => {
      const numbers = [0, -0, 0.1, -1e308, 1.7976931348623157e308, 5e-324, -5e-324, 2 ** 53, 1 / 3, 123456789.125]
      await store.write(batchOf(...numbers.map((value, i) => ({ series: voltage, at: march + i, value }))), 1)
      const { values } = await store.range({ seriesId: voltage, ...always })
      expect([...values].every((value, i) => Object.is(value, numbers[i]))).toBe(true)
    })

    test('stores times before 1970 and far ahead', async () => {
      const times = [-62_135_596_800_000, -1, 0, 1, 4_294_967_295, 4_294_967_296, 4_294_967_297, 253_402_300_799_999]
      await store.write(batchOf(...times.map((at, i) => ({ series: voltage, at, value: i }))), 1)
      expect((await readingsOf(voltage)).map(([timeMs]) => timeMs)).toEqual(times)
    })

    test('aggregates buckets of equal length', async () => {
      const values = [5, 1, 3, -2, 8]
      await store.write(batchOf(...values.map((value, i) => ({ series: voltage, at: march + i * 1000, value }))), 1)
      const edgesMs = Float64Array.of(march - 3000, march, march + 3000, march + 6000)
      expect(await store.buckets({ seriesId: voltage, edgesMs })).toEqual({
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
      await store.write(batchOf(...hours), 1)
      const { count, first, last } = await store.buckets({ seriesId: voltage, edgesMs: Float64Array.from(edges) })
      expect([[...count], [...first], [...last]]).toEqual([
        [24, 23, 24],
        [0, 24, 47],
        [23, 46, 70],
      ])
    })

    test('refuses edges that are no buckets', async () => {
      await store.write(batchOf({ series: voltage, at: march, value: 1 }), 1)
      for (const edgesMs of [[], [1], [2, 1], [1, 1], [1, 3, 3]]) {
        const asked = store.buckets({ seriesId: voltage, edgesMs: Float64Array.from(edgesMs) })
        await expect(asked).rejects.toSatisfy((error) => isAppError(error, 'invalid_input'))
      }
    })

    test('answers 10,000 buckets', async () => {
      await store.write(batchOf(...[0, 9_999].map((i) => ({ series: voltage, at: march + i * 60_000, value: i }))), 1)
      const edgesMs = Float64Array.from({ length: 10_001 }, (_, i) => march + i * 60_000)
      const { count, last } = await store.buckets({ seriesId: voltage, edgesMs })
      expect([count[0], count[1], count[9_999], last[9_999]]).toEqual([1, 0, 1, 9_999])
    })

    test('refuses a reading of a series that nobody knows, with all of its batch', async () => {
      const write = store.write(
        batchOf({ series: voltage, at: march, value: 1 }, { series: 999, at: march, value: 2 }),
        5,
      )
      await expect(write).rejects.toSatisfy((error) => isAppError(error, 'invalid_input') && !error.retryable)
      expect((await store.stats()).readings).toBe(0)
    })

    test('holds a device with more metrics than its profile has room for', async () => {
      const many = Array.from({ length: 40 }, (_, i) => catalog.add(7, `metric_${i}`, { profile: 'plc', known: true }))
      for (const half of [many.slice(0, 16), many.slice(16)])
        await store.write(
          batchOf(...half.map((series) => ({ series, at: march, value: series, quality: 1 as const }))),
          1,
        )
      await store.write(
        batchOf(...many.map((series, i) => ({ series, at: march + 1, value: i, quality: 3 as const }))),
        2,
      )
      const latest = await store.latest(Int32Array.from(many))
      expect([...latest.values]).toEqual(many.map((_, i) => i))
      expect([...latest.quality]).toEqual(many.map(() => 3))
      for (const series of many)
        expect(await store.range({ seriesId: series, ...always })).toMatchObject({
          values: Float64Array.of(series, many.indexOf(series)),
          quality: Uint8Array.of(1, 3),
        })
    })

    test('keeps apart metrics that differ in case, and those named like parts of a row', async () => {
      const names = ['Power', 'POWER', 'device', 'time_ms', 'quality', 'value', 'select', 'v0_power']
      const series = names.map((metric) => catalog.add(1, metric, { profile: 'meter-1ph', known: true }))
      await store.write(batchOf(...series.map((id) => ({ series: id, at: march, value: id }))), 1)
      expect([...(await store.latest(Int32Array.from(series))).values]).toEqual(series)
    })

    test('removes the readings of one series in a range, and says how many', async () => {
      const times = [0, 1, 2, 3].map((i) => march + i * dayMs)
      await store.write(
        batchOf(
          ...times.flatMap((at, i) => [
            { series: voltage, at, value: i },
            { series: power, at, value: -i, quality: 1 as const },
            { series: discovered, at, value: i * 2 },
          ]),
        ),
        1,
      )
      expect(await store.remove(voltage, march + dayMs, march + 3 * dayMs)).toBe(2)
      expect(await store.remove(voltage, march + dayMs, march + 3 * dayMs)).toBe(0)
      expect(await store.remove(discovered, march, march + dayMs)).toBe(1)
      expect(await store.remove(999, march, march + dayMs)).toBe(0)
      expect(await readingsOf(voltage)).toEqual([
        [march, 0],
        [march + 3 * dayMs, 3],
      ])
      expect([...(await store.range({ seriesId: power, ...always })).quality]).toEqual([1, 1, 1, 1])
      expect(await readingsOf(discovered)).toHaveLength(3)
      expect((await store.stats()).readings).toBe(9)
      await store.write(batchOf({ series: voltage, at: march + dayMs, value: 11 }), 2)
      expect(await readingsOf(voltage)).toEqual([
        [march, 0],
        [march + dayMs, 11],
        [march + 3 * dayMs, 3],
      ])
    })

    test('expires whole UTC days', async () => {
      const times = [0, 1, 2, 3].map((i) => march + i * dayMs + hourMs)
      const readings = times.flatMap((at) => [voltage, power, discovered].map((series) => ({ series, at, value: at })))
      await store.write(batchOf(...readings), 1)
      await store.expire(march + 2 * dayMs + 5 * hourMs)
      expect((await readingsOf(voltage)).map(([timeMs]) => timeMs)).toEqual(times.slice(2))
      expect((await readingsOf(discovered)).map(([timeMs]) => timeMs)).toEqual(times.slice(2))
      expect((await store.stats()).readings).toBe(6)
    })

    test('answers queries while it writes, each with whole batches only', async () => {
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
          counts.push((await store.range({ seriesId: other, ...always })).values.length)
          await setImmediate()
        }
      })
      try {
        for (const [n, batch] of batches.entries()) await store.write(batch, n + 1)
      } finally {
        writing = false
        await Promise.all(asking)
      }
      expect(counts.every((count) => count % 50 === 0)).toBe(true)
      expect(await readingsOf(other)).toHaveLength(1_000)
    })

    test('refuses everything but another close once it is closed', async () => {
      await store.close()
      await store.close()
      const calls = [
        store.write(batchOf(), 1),
        store.range({ seriesId: voltage, ...always }),
        store.latest(Int32Array.of(voltage)),
        store.remove(voltage, 0, 1),
        store.expire(0),
        store.stats(),
        store.open(),
      ]
      for (const call of calls) await expect(call).rejects.toSatisfy((error) => isAppError(error, 'closed'))
    })

    test.runIf(supports.restart)('knows its position and its readings after a restart', async () => {
      await store.write(
        batchOf({ series: voltage, at: march, value: 1 }, { series: discovered, at: march, value: 2 }),
        41,
      )
      await store.write(
        batchOf({ series: voltage, at: march + 1, value: 3 }, { series: voltage, at: march, value: 4 }),
        42,
      )
      const before = await store.stats()
      await store.close()
      store = place.create(catalog)
      expect(await store.open()).toBe(42)
      expect(await readingsOf(voltage)).toEqual([
        [march, 4],
        [march + 1, 3],
      ])
      const { readings, rows, lateRows } = await store.stats()
      expect({ readings, rows, lateRows }).toEqual({
        readings: before.readings,
        rows: before.rows,
        lateRows: before.lateRows,
      })
      await store.write(
        batchOf({ series: power, at: march + 1, value: 9 }, { series: discovered, at: march, value: 5 }),
        43,
      )
      expect(await readingsOf(power)).toEqual([[march + 1, 9]])
      expect(await readingsOf(discovered)).toEqual([[march, 5]])
      expect((await store.stats()).readings).toBe(4)
    })

    test('equals plain maps under random writes and removals', async () => {
      const series = fc.integer({ min: 1, max: 4 })
      const time = fc.oneof(
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 0, max: 5 }).map((day) => day * dayMs),
      )
      const reading = fc.record({
        series,
        at: time.map((offset) => march + offset),
        value: fc.integer({ min: -1_000, max: 1_000 }),
        quality: fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const),
      })
      const step = fc.oneof(
        {
          weight: 6,
          arbitrary: fc.record({ kind: fc.constant('write' as const), readings: fc.array(reading, { maxLength: 30 }) }),
        },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), series, from: time, length: time }) },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const), before: time }) },
        { weight: supports.restart ? 1 : 0, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
      )
      const edges = fc.uniqueArray(time, { minLength: 2, maxLength: 6 }).map((offsets) => offsets.sort((a, b) => a - b))
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 8 }), edges, async (steps, offsets) => {
          const here = await begin()
          const oracle = createMemoryReadings(catalog)
          let tested = here.create(catalog)
          await tested.open()
          try {
            for (const [position, step] of steps.entries()) {
              if (step.kind === 'restart') {
                await tested.close()
                tested = here.create(catalog)
                await tested.open()
              }
              if (step.kind === 'write') {
                await tested.write(batchOf(...step.readings), position)
                await oracle.write(batchOf(...step.readings), position)
              }
              if (step.kind === 'expire') {
                await tested.expire(march + step.before)
                await oracle.expire(march + step.before)
              }
              if (step.kind === 'remove') {
                const range = [march + step.from, march + step.from + step.length] as const
                expect(await tested.remove(step.series, ...range)).toBe(await oracle.remove(step.series, ...range))
              }
            }
            await expectEqual(
              tested,
              oracle,
              Float64Array.from(offsets, (offset) => march + offset),
            )
          } finally {
            await tested.close()
            await here.remove()
          }
        }),
        { numRuns: supports.runs },
      )
    })
  })
}

/** Both say the same of series 1 to 4. */
export async function expectEqual(tested: ReadingStore, oracle: ReadingStore, edgesMs: Float64Array): Promise<void> {
  expect((await tested.stats()).readings).toBe((await oracle.stats()).readings)
  const all = Int32Array.of(1, 2, 3, 4)
  expect(withoutReceived(await tested.latest(all))).toEqual(withoutReceived(await oracle.latest(all)))
  for (const seriesId of all) {
    const { receivedMs, ...range } = await tested.range({ seriesId, ...always })
    expect(range).toEqual(withoutReceived(await oracle.range({ seriesId, ...always })))
    expect(receivedMs.every((received, i) => received >= (range.timesMs[i] ?? 0))).toBe(true)
    expectClose(await tested.buckets({ seriesId, edgesMs }), await oracle.buckets({ seriesId, edgesMs }))
  }
}

function withoutReceived<T extends { readonly receivedMs: Float64Array }>({ receivedMs: _, ...rest }: T) {
  return rest
}

/** Sums may be added up in another order. */
function expectClose(tested: BucketColumns, oracle: BucketColumns): void {
  const { sum, avg, ...exact } = tested
  const { sum: oracleSum, avg: oracleAvg, ...oracleExact } = oracle
  expect(exact).toEqual(oracleExact)
  for (const [i, value] of oracleSum.entries()) if (!Number.isNaN(value)) expect(sum[i]).toBeCloseTo(value, 6)
  for (const [i, value] of oracleAvg.entries()) if (!Number.isNaN(value)) expect(avg[i]).toBeCloseTo(value, 6)
}
