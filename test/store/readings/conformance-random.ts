import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SeriesId } from '../../../model/index.ts'
import { type BucketColumns, emptyBuckets, emptyReadings, type ReadingStore } from '../../../store/readings/index.ts'
import { batchOf } from './catalog.ts'
import { createMemoryReadings } from './memory-readings.ts'
import { always, createStandardCatalog, dayMs, march, type StorePlace } from './store-under-test.ts'

/** Whatever happens to it, a reading store equals plain maps. */
export function testAgainstMaps(
  begin: () => Promise<StorePlace>,
  supports: { readonly restart: boolean; readonly runs: number },
): void {
  test('equals plain maps under random writes and expiries', async () => {
    const series = fc.integer({ min: 1, max: 4 })
    const time = fc.oneof(
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 0, max: 5 }).map((day) => day * dayMs),
      fc.integer({ min: 0, max: 300 }).map((minutes) => minutes * 300_000),
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
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const), before: time }) },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('roll' as const),
          before: time,
          what: fc.constantFrom('new' as const, 'all' as const),
          // Often not all of what there is to do.
          steps: fc.constantFrom(1, 2, 100),
        }),
      },
      { weight: supports.restart ? 1 : 0, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
    )
    const edges = fc.uniqueArray(time, { minLength: 2, maxLength: 6 }).map((offsets) => offsets.sort((a, b) => a - b))
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), edges, async (steps, offsets) => {
        const catalog = createStandardCatalog()
        const place = await begin()
        const oracle = createMemoryReadings(catalog)
        let tested = place.create(catalog)
        await tested.open()
        try {
          for (const [position, step] of steps.entries()) {
            if (step.kind === 'restart') {
              await tested.close()
              tested = place.create(catalog)
              await tested.open()
            }
            if (step.kind === 'write') {
              await tested.write(batchOf(...step.readings), position)
              await oracle.write(batchOf(...step.readings), position)
            }
            if (step.kind === 'roll')
              for (let n = 0; n < step.steps; n++)
                if ((await tested.rollUp?.(march + step.before, step.what)) === undefined) break
            if (step.kind === 'expire') {
              await tested.expire(march + step.before)
              await oracle.expire(march + step.before)
            }
          }
          await expectEqual(
            tested,
            oracle,
            Float64Array.from(offsets, (offset) => march + offset),
          )
        } finally {
          await tested.close()
          await place.remove()
        }
      }),
      { numRuns: supports.runs },
    )
  })
}

/** Both say the same of series 1 to 4. */
async function expectEqual(tested: ReadingStore, oracle: ReadingStore, edgesMs: Float64Array): Promise<void> {
  const { readings } = await tested.stats()
  if (readings !== null) expect(readings).toBe((await oracle.stats()).readings)
  const all = Int32Array.of(1, 2, 3, 4)
  expect(withoutReceived(await tested.latest(all))).toEqual(withoutReceived(await oracle.latest(all)))
  for (const seriesId of all) {
    const { receivedMs, ...range } = await tested.range({ seriesId, ...always })
    expect(range).toEqual(withoutReceived(await oracle.range({ seriesId, ...always })))
    expect(receivedMs.every((received, i) => received >= (range.timesMs[i] ?? 0))).toBe(true)
    expectClose(await tested.buckets({ seriesId, edgesMs }), await oracle.buckets({ seriesId, edgesMs }))
  }
  await expectTogether(tested, oracle, [...all], edgesMs)
}

/** What is asked at once is answered as it is one by one: metrics of one device and of others, the same twice, parts of one time. */
async function expectTogether(
  tested: ReadingStore,
  oracle: ReadingStore,
  all: readonly SeriesId[],
  edgesMs: Float64Array,
): Promise<void> {
  const middle = Math.floor(edgesMs.length / 2)
  const cuts = [edgesMs, edgesMs, edgesMs.slice(middle), edgesMs.slice(0, middle + 1)].filter(
    ({ length }) => length > 1,
  )
  const buckets = cuts.flatMap((cut) => all.map((seriesId) => ({ seriesId, edgesMs: cut })))
  // Each to an end of its own, as they are where the rest is in memory.
  for (const seriesId of all) {
    buckets.push({ seriesId, edgesMs: edgesMs.slice(0, Math.max(2, edgesMs.length - (seriesId % 3))) })
    const cut = edgesMs.slice()
    const [lastButOne = 0, lastMs = 0] = cut.slice(-2)
    cut[cut.length - 1] = lastButOne + Math.ceil(((lastMs - lastButOne) * seriesId) / 5)
    buckets.push({ seriesId, edgesMs: cut })
    const stepMs = Math.ceil((lastMs - (edgesMs[0] ?? 0)) / 8)
    const even = Float64Array.from({ length: 5 + seriesId }, (_, i) => (edgesMs[0] ?? 0) + i * stepMs)
    buckets.push({
      seriesId,
      edgesMs: Float64Array.of(...even, (even.at(-1) ?? 0) + Math.ceil((stepMs * seriesId) / 5)),
    })
  }
  const [fromMs = 0, toMs = 0] = [edgesMs[0], edgesMs.at(-1)]
  const limits = [1, 2, 3, 1_000, 1_000]
  const ranges = limits.flatMap((limit) => all.map((seriesId) => ({ seriesId, fromMs, toMs: toMs - seriesId, limit })))
  const [ofBuckets, ofRanges] = await Promise.all([
    Promise.all(buckets.map((query) => tested.buckets(query))),
    Promise.all(ranges.map((query) => tested.range(query))),
  ])
  for (const [i, query] of buckets.entries()) expectClose(ofBuckets[i] ?? emptyBuckets(0), await oracle.buckets(query))
  for (const [i, query] of ranges.entries())
    expect(withoutReceived(ofRanges[i] ?? emptyReadings(0))).toEqual(withoutReceived(await oracle.range(query)))
  const memory = [...ofRanges.map(({ values }) => values), ...ofBuckets.map(({ sum }) => sum)]
  expect(new Set(memory.map(({ buffer }) => buffer)).size).toBe(memory.length)
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
