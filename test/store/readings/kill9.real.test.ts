import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { ReadingStore } from '../../../store/readings/index.ts'
import { type Child, startChild } from '../../setup/child.ts'
import { deterministicBatch, deterministicCatalog } from './deterministic.ts'
import { createDuckdbPlace } from './duckdb-place.ts'
import { createMemoryReadings } from './memory-readings.ts'

const program = fileURLToPath(new URL('./writing-child.ts', import.meta.url))
const rollingProgram = fileURLToPath(new URL('./rolling-child.ts', import.meta.url))

function storedBy(child: Child): number {
  const lines = child.stdout().match(/stored \d+/g) ?? []
  return Number(lines.at(-1)?.slice('stored '.length) ?? 0)
}

async function contents(store: ReadingStore): Promise<unknown[]> {
  const all = { fromMs: 0, toMs: 1e15, limit: 1e6 }
  const series = Array.from({ length: 100 }, (_, i) => i + 1)
  return Promise.all(series.map(async (seriesId) => (await store.range({ seriesId, ...all })).values))
}

test('DuckDB has every batch up to its position, once, when its process is killed', async () => {
  const place = await createDuckdbPlace()
  const catalog = deterministicCatalog()
  const oracle = createMemoryReadings(catalog)
  try {
    let told = 0
    for (const moreBatches of [3, 25, 60]) {
      const child = startChild(process.execPath, [program, place.path])
      const enough = told + moreBatches
      await child.waitFor((line) => (line === `stored ${enough}` ? line : undefined), 60_000)
      await child.kill('SIGKILL')
      const store = place.create(catalog)
      const { position } = await store.open()
      expect(position).toBeGreaterThanOrEqual(storedBy(child))
      for (let n = told + 1; n <= position; n++) await oracle.write(deterministicBatch(n), n)
      expect((await store.stats()).readings).toBe((await oracle.stats()).readings)
      expect(await contents(store)).toEqual(await contents(oracle))
      await store.close()
      told = position
    }
  } finally {
    await place.remove()
  }
})

test('DuckDB answers buckets as the readings say when its process is killed while it rolls up', async () => {
  const place = await createDuckdbPlace()
  const catalog = deterministicCatalog()
  const oracle = createMemoryReadings(catalog)
  try {
    let written = 0
    for (const moreBatches of [7, 20, 31, 43]) {
      const child = startChild(process.execPath, [rollingProgram, place.path])
      const enough = written + moreBatches
      await child.waitFor((line) => (line.startsWith(`stored ${enough}`) ? line : undefined), 60_000)
      await child.kill('SIGKILL')
      const store = place.create(catalog)
      const { position } = await store.open()
      for (let n = written + 1; n <= position; n++) await oracle.write(deterministicBatch(n), n)
      written = position
      await expectSameBuckets(store, oracle, position)
      await store.close()
    }
  } finally {
    await place.remove()
  }
})

/** Hours of everything, and slots of the newest. */
async function expectSameBuckets(store: ReadingStore, oracle: ReadingStore, batches: number): Promise<void> {
  const startMs = 1_772_323_200_000
  const hours = Float64Array.from({ length: Math.ceil(batches / 6) + 2 }, (_, i) => startMs + i * 3_600_000)
  const slots = Float64Array.from({ length: 40 }, (_, i) => startMs + (batches - 50) * 600_000 + i * 900_000)
  for (let seriesId = 1; seriesId <= 100; seriesId += 3)
    for (const edgesMs of [hours, slots]) {
      const { sum, avg, ...exact } = await store.buckets({ seriesId, edgesMs })
      const { sum: wantedSum, avg: wantedAvg, ...wanted } = await oracle.buckets({ seriesId, edgesMs })
      expect(exact).toEqual(wanted)
      for (const [i, value] of wantedSum.entries()) if (!Number.isNaN(value)) expect(sum[i]).toBeCloseTo(value, 9)
      for (const [i, value] of wantedAvg.entries()) if (!Number.isNaN(value)) expect(avg[i]).toBeCloseTo(value, 9)
    }
}
