import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { ReadingStore } from '../../../store/readings/index.ts'
import { startChild } from '../../setup/child.ts'
import { startHttpProxy } from '../../setup/http-proxy.ts'
import { describeWith } from '../../setup/require-tool.ts'
import { batchOf } from './catalog.ts'
import { deterministicBatch, deterministicCatalog } from './deterministic.ts'
import { useInfluxdb } from './influxdb-place.ts'
import { createMemoryReadings } from './memory-readings.ts'
import { createStandardCatalog, dayMs, hourMs, march, other, rollUpAll, voltage } from './store-under-test.ts'

const program = fileURLToPath(new URL('./rolling-influxdb-child.ts', import.meta.url))
const startMs = 1_772_323_200_000

describeWith(['influxd'], 'Rollups in InfluxDB', () => {
  const begin = useInfluxdb()

  test('answer as the readings say when the process is killed while it writes and rolls up', async () => {
    const place = await begin()
    const catalog = deterministicCatalog()
    const oracle = createMemoryReadings(catalog)
    let told = 0
    for (const moreBatches of [7, 25, 40]) {
      const child = startChild(process.execPath, [program, place.server.url, place.database, String(told + 1)])
      const enough = told + moreBatches
      await child.waitFor((line) => (line === `stored ${enough}` ? line : undefined), 60_000)
      await child.kill('SIGKILL')
      // The one under way may be there in part: whoever wrote it writes it again.
      told = Number((child.stdout().match(/stored \d+/g) ?? []).at(-1)?.slice('stored '.length)) + 1
      const store = place.create(catalog)
      await store.open()
      await store.write(deterministicBatch(told), told)
      for (let n = told - moreBatches - 40; n <= told; n++) if (n > 0) await oracle.write(deterministicBatch(n), n)
      await expectSameBuckets(store, oracle, told)
      await rollUpAll(store, startMs + told * 600_000)
      await expectSameBuckets(store, oracle, told)
      await store.close()
    }
  })

  test('are done without where the database was set back behind our back, and nothing was written since', async () => {
    const place = await begin()
    const store = place.create(createStandardCatalog())
    await store.open()
    await store.write(batchOf({ series: voltage, at: march + hourMs, value: 3 }), 1)
    await rollUpAll(store, march + 2 * dayMs)
    const query = { seriesId: voltage, edgesMs: Float64Array.of(march, march + dayMs) }
    expect((await store.buckets(query)).count[0]).toBe(1)
    // A backup from before there were rollups.
    for (const name of ['pelbiot rollups', 'pelbiot 15m meter-1ph', 'pelbiot changed'])
      await place.server.query(`DROP MEASUREMENT "${name}"`, place.database)
    expect((await store.buckets(query)).count[0]).toBe(1)
    await rollUpAll(store, march + 2 * dayMs)
    expect((await store.buckets(query)).count[0]).toBe(1)
    await store.close()
  })

  test('are made again of what came late, also where it could be noted only at the second attempt', async () => {
    const place = await begin()
    await using proxy = await startHttpProxy(place.server.url)
    const catalog = createStandardCatalog()
    const store = place.create(catalog, { url: proxy.url })
    await store.open()
    await store.write(batchOf({ series: voltage, at: march + hourMs, value: 3 }), 1)
    await rollUpAll(store, march + 2 * dayMs)
    const late = batchOf({ series: voltage, at: march + 2 * hourMs, value: 4 })
    let refusals = 1
    proxy.answer = ({ url }) => (url?.startsWith('/write') && refusals-- > 0 ? { status: 503 } : undefined)
    await expect(store.write(late, 2)).rejects.toMatchObject({ code: 'store_unavailable', retryable: true })
    await store.write(late, 2)
    const query = { seriesId: voltage, edgesMs: Float64Array.of(march, march + dayMs) }
    expect((await store.buckets(query)).count[0]).toBe(2)
    // As after a crash: all that is known is in the database.
    const again = place.create(catalog)
    await again.open()
    expect((await again.buckets(query)).count[0]).toBe(2)
    await rollUpAll(again, march + 2 * dayMs)
    expect((await again.buckets(query)).count[0]).toBe(2)
    await again.close()
    await store.close()
  })

  test('are made of all other devices where the sum of one is more than a number can be', async () => {
    const place = await begin()
    const store = place.create(createStandardCatalog())
    await store.open()
    const readings = [0, 1, 2].flatMap((i) => [
      { series: voltage, at: march + i, value: 1.7e308 },
      { series: other, at: march + i, value: i },
    ])
    await store.write(batchOf(...readings), 1)
    await rollUpAll(store, march + dayMs)
    const rolled = await place.server.query(
      'SELECT "voltage__count", "device" FROM "pelbiot 15m meter-1ph"',
      place.database,
    )
    expect(rolled).toEqual([[march, 3, 'device-2']])
    const { avg, sum } = await store.buckets({ seriesId: voltage, edgesMs: Float64Array.of(march, march + dayMs) })
    expect([avg[0], sum[0]]).toEqual([expect.closeTo(1.7e308, -300), Number.POSITIVE_INFINITY])
    await store.close()
  })

  test('have a retention policy of their own in a database that was made here', async () => {
    const { server, ...place } = await begin()
    const database = `${place.database} own`
    const store = place.create(createStandardCatalog(), { database })
    const nowMs = Date.now()
    const at = Math.floor(nowMs / dayMs - 20) * dayMs + hourMs
    try {
      await store.open()
      await store.write(batchOf({ series: voltage, at, value: 3 }), 1)
      await store.expire(nowMs - 10 * dayMs, nowMs - 400 * dayMs)
      const policies = await server.query(`SHOW RETENTION POLICIES ON "${database}"`)
      expect(policies.map(([name, duration]) => [name, duration])).toEqual([
        ['pelbiot', '264h0m0s'],
        ['pelbiot_rollups', '9624h0m0s'],
      ])
      // The server removes the readings when it likes; the answer no longer depends on them.
      const query = { seriesId: voltage, edgesMs: Float64Array.of(at - hourMs, at + hourMs) }
      expect((await store.buckets(query)).count[0]).toBe(1)
      await server.query('DELETE FROM "meter-1ph"', database)
      expect((await store.buckets(query)).count[0]).toBe(1)
    } finally {
      await store.close()
      await server.query(`DROP DATABASE "${database}"`)
    }
  })
})

/** Hours of everything, and slots of the newest. */
async function expectSameBuckets(store: ReadingStore, oracle: ReadingStore, batches: number): Promise<void> {
  const hours = Float64Array.from({ length: Math.ceil(batches / 6) + 2 }, (_, i) => startMs + i * hourMs)
  const slots = Float64Array.from({ length: 40 }, (_, i) => startMs + (batches - 50) * 600_000 + i * 900_000)
  for (let seriesId = 1; seriesId <= 100; seriesId += 7)
    for (const edgesMs of [hours, slots]) {
      const { sum, avg, ...exact } = await store.buckets({ seriesId, edgesMs })
      const { sum: wantedSum, avg: _, ...wanted } = await oracle.buckets({ seriesId, edgesMs })
      expect(exact).toEqual(wanted)
      for (const [i, value] of wantedSum.entries()) if (!Number.isNaN(value)) expect(sum[i]).toBeCloseTo(value, 9)
    }
}
