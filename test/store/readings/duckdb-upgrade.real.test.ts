import { DuckDBInstance } from '@duckdb/node-api'
import { expect, test } from 'vitest'
import { batchOf } from './catalog.ts'
import { createDuckdbPlace, type DuckdbPlace } from './duckdb-place.ts'
import {
  createStandardCatalog,
  dayMs,
  discovered,
  hourMs,
  march,
  power,
  rollUpAll,
  voltage,
} from './store-under-test.ts'

/** The file as it was before there were rollups. */
async function forgetRollups({ path }: DuckdbPlace): Promise<void> {
  const instance = await DuckDBInstance.create(path)
  const connection = await instance.connect()
  const tables = await connection.runAndReadAll(
    "SELECT table_name FROM duckdb_tables() WHERE starts_with(table_name, 'rolled_')",
  )
  for (const [name] of tables.getRows()) await connection.run(`DROP TABLE "${name}"`)
  await connection.run('ALTER TABLE store DROP COLUMN raw_from_ms')
  await connection.run('UPDATE store SET schema_version = 2')
  connection.closeSync()
  instance.closeSync()
}

test('a file from before rollups answers as before, is rolled up step by step, and answers the same', async () => {
  const place = await createDuckdbPlace()
  const catalog = createStandardCatalog()
  const series = [voltage, power, discovered]
  const readings = Array.from({ length: 500 }, (_, i) => march + i * hourMs).flatMap((at) =>
    series.map((id) => ({ series: id, at, value: (at / hourMs) % 7 })),
  )
  const edgesMs = Float64Array.from({ length: 23 }, (_, day) => march + day * dayMs)
  try {
    const before = place.create(catalog)
    await before.open()
    await before.write(batchOf(...readings), 7)
    const wanted = await Promise.all(series.map((seriesId) => before.buckets({ seriesId, edgesMs })))
    await before.close()
    await forgetRollups(place)

    const store = place.create(catalog)
    expect((await store.open()).position).toBe(7)
    const answers = () => Promise.all(series.map((seriesId) => store.buckets({ seriesId, edgesMs })))
    expect(await answers()).toEqual(wanted)
    for (let n = 0; n < 20; n++) await store.rollUp(march + 25 * dayMs, 'new')
    expect(await answers()).toEqual(wanted)
    await rollUpAll(store, march + 25 * dayMs)
    expect(await answers()).toEqual(wanted)
    await store.write(batchOf({ series: voltage, at: march + 1, value: 1_000 }), 8)
    expect((await store.buckets({ seriesId: voltage, edgesMs })).max[0]).toBe(1_000)
    await store.close()
  } finally {
    await place.remove()
  }
})
