import { expect, test } from 'vitest'
import type { BucketColumns, ReadingStore } from '../../../store/readings/index.ts'
import { describeWith } from '../../setup/require-tool.ts'
import { batchOf, createTestCatalog, type TestReading } from './catalog.ts'
import { createDuckdbPlace } from './duckdb-place.ts'
import { useInfluxdb } from './influxdb-place.ts'
import { always, dayMs, hourMs } from './store-under-test.ts'

/** Midnights in Berlin from 20 March to 10 April 2027; the clocks go forward on the 28th. */
const localDays = Float64Array.from({ length: 22 }, (_, day) => {
  return Date.UTC(2027, 2, 19, 23) + day * dayMs - (day > 8 ? hourMs : 0)
})
const firstMs = localDays[0] ?? 0
const lastMs = localDays.at(-1) ?? 0
/** Months are of no one length; between two of these nothing is stored. */
const months = Float64Array.of(
  Date.UTC(2026, 0, 31, 23),
  Date.UTC(2026, 1, 28, 23),
  Date.UTC(2027, 1, 28, 23),
  Date.UTC(2027, 2, 31, 22),
  Date.UTC(2027, 3, 30, 22),
)

function createHistory() {
  const catalog = createTestCatalog()
  const known = { profile: 'meter-3ph', known: true }
  const series = ['voltage_l1', 'energy', 'power'].map((metric) => catalog.add(1, metric, known))
  series.push(catalog.add(1, 'harmonics_5', { ...known, known: false }))
  series.push(catalog.add(2, 'Wärme °C', { profile: 'zähler, süd', known: true, device: 'keller\\1' }))
  series.push(catalog.add(3, '電力', { profile: 'メーター', known: true, device: 'ビル=1' }))
  // Borne by another device before.
  series.push(catalog.add(4, 'voltage_l1', { ...known, device: 'device-1' }))
  const silent = catalog.add(5, 'voltage_l1', known)
  return { catalog, series, silent }
}

/** Every batch with something late, something twice and something suspect. */
function batchesOf(series: readonly number[]) {
  const stepMs = 30 * 60_000
  const rows = Math.floor((lastMs - firstMs) / stepMs)
  const batches: TestReading[][] = []
  for (let n = 0; n * 96 < rows; n++) {
    const batch: TestReading[] = []
    for (let row = n * 96; row < Math.min(rows, (n + 1) * 96); row++) {
      const late = row % 7 === 3
      const at = firstMs + (late ? Math.max(0, row - 50) : row) * stepMs + (late ? 1 : 0)
      for (const [i, id] of series.entries()) {
        if ((row + i) % 5 === 0) continue
        const value = Math.round(1e5 * Math.sin(row * 0.1 + i)) / 100
        batch.push({ series: id, at, value, quality: (row + i) % 11 === 0 ? 1 : 0, received: at + 40 + row })
        if (row % 13 === 0) batch.push({ series: id, at, value: value + 1, received: at + 50 + row })
      }
    }
    batches.push(batch)
  }
  return batches
}

describeWith(['influxd'], 'DuckDB and InfluxDB', () => {
  const begin = useInfluxdb()

  test('answer alike: duplicates, late data, days of 23 hours, empty ranges, names of any letters', async () => {
    const { catalog, series, silent } = createHistory()
    const places = [await createDuckdbPlace(), await begin()]
    const stores: ReadingStore[] = places.map((place) => place.create(catalog))
    try {
      for (const store of stores) await store.open()
      for (const [n, batch] of batchesOf(series).entries())
        for (const store of stores) await store.write(batchOf(...batch), n + 1)

      const alike = async (question: (store: ReadingStore) => Promise<unknown>) => {
        const [ours, theirs] = await Promise.all(stores.map(question))
        expect(theirs).toEqual(ours)
        return ours
      }
      for (const seriesId of [...series, silent, 99]) {
        const readings = await alike((store) => store.range({ seriesId, ...always }))
        if (series.includes(seriesId)) expect(readings).toMatchObject({ timesMs: { length: expect.any(Number) } })
        await alike((store) => store.range({ seriesId, fromMs: firstMs + dayMs, toMs: lastMs - dayMs, limit: 17 }))
        await alike((store) => store.range({ seriesId, fromMs: 0, toMs: firstMs, limit: 10 }))
        for (const edgesMs of [localDays, months, Float64Array.of(0, 1), localDays.slice(7, 10)])
          await alike(async (store) => rounded(await store.buckets({ seriesId, edgesMs })))
      }
      await alike((store) => store.latest(Int32Array.from([...series, silent, 99])))
      for (const store of stores) await store.expire(firstMs + 3 * dayMs)
      for (const seriesId of series) await alike((store) => store.range({ seriesId, ...always }))
    } finally {
      for (const store of stores) await store.close()
      for (const place of places) await place.remove()
    }
  })
})

/** Sums may be added up in another order. */
function rounded(buckets: BucketColumns) {
  const short = (column: Float64Array) => [...column].map((value) => Number(value.toPrecision(12)))
  return { ...buckets, sum: short(buckets.sum), avg: short(buckets.avg) }
}
