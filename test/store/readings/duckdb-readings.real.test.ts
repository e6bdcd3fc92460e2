import { describe, expect, onTestFinished, test } from 'vitest'
import { withRecent } from '../../../store/readings/index.ts'
import { batchOf } from './catalog.ts'
import { describeReadingStore } from './conformance.ts'
import { createDuckdbPlace } from './duckdb-place.ts'
import { createStandardCatalog, dayMs, hourMs, march, other, power, rollUpAll, voltage } from './store-under-test.ts'

const supports = { restart: true, counts: true, wholeBatches: true, everyTime: true } as const

describeReadingStore('DuckDB', createDuckdbPlace, { ...supports, runs: 40 })

describeReadingStore(
  'DuckDB with recent readings',
  async () => {
    const place = await createDuckdbPlace()
    return { ...place, create: (catalog) => withRecent(place.create(catalog), { bytesMax: 4_000 }) }
  },
  { ...supports, runs: 20 },
)

describe('recent readings of a DuckDB that was there before', () => {
  async function reopened() {
    const place = await createDuckdbPlace()
    const catalog = createStandardCatalog()
    const earlier = place.create(catalog)
    await earlier.open()
    await earlier.write(
      batchOf(
        { series: voltage, at: march + hourMs, value: 1 },
        { series: voltage, at: march + 3 * dayMs, value: 2 },
        { series: other, at: march + hourMs, value: 3 },
      ),
      1,
    )
    await rollUpAll(earlier, march + 4 * dayMs)
    await earlier.expire(march + 2 * dayMs, march)
    await earlier.close()
    const stored = place.create(catalog)
    const store = withRecent(stored, { bytesMax: 1e6 })
    onTestFinished(async () => {
      await store.close()
      await place.remove()
    })
    await store.open()
    return { store, stored }
  }

  test('have what only rollups hold, and nothing beside them', async () => {
    const { store, stored } = await reopened()
    // Late for where the readings are gone: it does not count, and is no reason to forget what does.
    await store.write(
      batchOf(
        { series: other, at: march + 2 * hourMs, value: 4 },
        { series: power, at: march + 2 * hourMs, value: 5 },
        { series: power, at: march + 3 * dayMs + 1, value: 6 },
      ),
      2,
    )
    const edgesMs = Float64Array.of(march, march + dayMs, march + 4 * dayMs)
    for (const [seriesId, count] of [
      [voltage, [1, 1]],
      [power, [0, 1]],
      [other, [1, 0]],
    ] as const) {
      const answer = await store.buckets({ seriesId, edgesMs })
      expect([seriesId, [...answer.count]]).toEqual([seriesId, count])
      expect(answer).toEqual(await stored.buckets({ seriesId, edgesMs }))
      expect((await store.marked([{ seriesId, edgesMs }])).buckets[0]).toEqual(answer)
    }
  })

  test('need not ask for what is newer than what the device had', async () => {
    const { store, stored } = await reopened()
    await store.write(batchOf({ series: power, at: march + 3 * dayMs + 1, value: 6 }), 2)
    await stored.close()
    const range = { fromMs: march + 3 * dayMs + 1, toMs: march + 4 * dayMs, limit: 9 }
    expect((await store.range({ seriesId: power, ...range })).values).toEqual(Float64Array.of(6))
    await expect(store.range({ seriesId: power, ...range, fromMs: march + 3 * dayMs })).rejects.toThrow('closed')
  })
})
