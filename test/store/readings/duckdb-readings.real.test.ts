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

describe('DuckDB readings that change while they are asked for', () => {
  async function rolled() {
    const place = await createDuckdbPlace()
    const store = place.create(createStandardCatalog())
    onTestFinished(async () => {
      await store.close()
      await place.remove()
    })
    await store.open()
    const times = Array.from({ length: 3 * 96 }, (_, slot) => march + slot * 900_000)
    await store.write(batchOf(...times.map((at) => ({ series: voltage, at, value: 1 }))), 1)
    await rollUpAll(store, march + 2 * dayMs)
    return { store, edgesMs: Float64Array.of(march, march + 3 * dayMs) }
  }

  test('are counted from rollups or from what is there, and never from neither', async () => {
    const { store, edgesMs } = await rolled()
    const counts: (number | undefined)[] = []
    let expiring = true
    const asking = [1, 2, 3].map(async () => {
      while (expiring) counts.push((await store.buckets({ seriesId: voltage, edgesMs })).count[0])
    })
    for (let day = 1; day <= 2; day++) await store.expire(march + day * dayMs, march)
    expiring = false
    await Promise.all(asking)
    expect(new Set(counts)).toEqual(new Set([3 * 96]))
  })

  test('show a late batch as a whole or not at all, and at once when it is stored', async () => {
    const { store, edgesMs } = await rolled()
    const counts = new Set<number | undefined>()
    let writing = true
    const asking = [1, 2, 3].map(async () => {
      while (writing) counts.add((await store.buckets({ seriesId: voltage, edgesMs })).count[0])
    })
    for (let n = 1; n <= 20; n++) {
      // In what is rolled up, and in what is not.
      const times = [march + n, march + dayMs + n, march + 2 * dayMs + n]
      await store.write(batchOf(...times.map((at) => ({ series: voltage, at, value: 1 }))), n + 1)
      const { count } = await store.buckets({ seriesId: voltage, edgesMs })
      expect(count[0]).toBe(3 * 96 + 3 * n)
      await rollUpAll(store, march + 2 * dayMs)
    }
    writing = false
    await Promise.all(asking)
    expect([...counts].filter((count) => (count ?? 0) % 3 !== 0)).toEqual([])
  })
})
