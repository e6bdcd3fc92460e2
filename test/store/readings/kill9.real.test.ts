import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { ReadingStore } from '../../../store/readings/index.ts'
import { type Child, startChild } from '../../setup/child.ts'
import { deterministicBatch, deterministicCatalog } from './deterministic.ts'
import { createDuckdbPlace } from './duckdb-place.ts'
import { createMemoryReadings } from './memory-readings.ts'

const program = fileURLToPath(new URL('./writing-child.ts', import.meta.url))

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
