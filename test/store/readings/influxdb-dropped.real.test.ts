import { expect, test } from 'vitest'
import type { Clock } from '../../../model/index.ts'
import { describeWith } from '../../setup/require-tool.ts'
import { batchOf } from './catalog.ts'
import { failureOf } from './failure-of.ts'
import { useInfluxdb } from './influxdb-place.ts'
import { always, createStandardCatalog, march, voltage } from './store-under-test.ts'

const one = batchOf({ series: voltage, at: march, value: 1 })

describeWith(['influxd'], 'an InfluxDB whose database is dropped under way', () => {
  const begin = useInfluxdb()
  const catalog = createStandardCatalog()
  const day = { now: Date.now() }
  const clock: Clock = { now: () => day.now }

  async function open() {
    const place = await begin()
    const store = place.create(catalog, {}, { clock })
    await store.open()
    await store.write(one, 1)
    return { place, store, dropped: () => place.server.query(`DROP DATABASE "${place.database}"`) }
  }

  test('is found out by the next write, which makes it anew and stores nothing', async () => {
    const { place, store, dropped } = await open()
    await dropped()
    expect(await failureOf(store.write(batchOf({ series: voltage, at: march + 1, value: 2 }), 2))).toMatchObject({
      code: 'store_unavailable',
      retryable: true,
    })
    const again = await failureOf(store.write(batchOf({ series: voltage, at: march + 1, value: 2 }), 2))
    expect(again).toMatchObject({ code: 'store_emptied', retryable: false })
    expect([...(await store.range({ seriesId: voltage, ...always })).values]).toEqual([])
    // What its caller sends again counts from there.
    await store.write(one, 1)
    await store.close()
    const restarted = place.create(catalog)
    expect((await restarted.open()).position).toBe(1)
    expect([...(await restarted.range({ seriesId: voltage, ...always })).values]).toEqual([1])
    await restarted.close()
  })

  test('is found out when somebody has made it again at once', async () => {
    const { place, store, dropped } = await open()
    await dropped()
    await place.server.query(`CREATE DATABASE "${place.database}"`)
    await store.write(batchOf({ series: voltage, at: march + 1, value: 2 }), 2)
    day.now += 5_000
    expect(await failureOf(store.write(batchOf({ series: voltage, at: march + 2, value: 3 }), 3))).toMatchObject({
      code: 'store_emptied',
    })
    await store.close()
  })

  test('is found out in whatever mark is written then', async () => {
    const { store, place, dropped } = await open()
    day.now += 5_000
    await store.write(batchOf({ series: voltage, at: march + 2, value: 3 }), 2)
    await dropped()
    await place.server.query(`CREATE DATABASE "${place.database}"`)
    // A mark without the id of the store, as one that was on its way would be.
    await place.server.write(
      place.database,
      `pelbiot\\ store log="00000000-0000-4000-8000-000000000000",position=9i,highest_device=1i,highest_series=1i ${day.now}`,
    )
    day.now += 5_000
    expect(await failureOf(store.write(one, 3))).toMatchObject({ code: 'store_emptied' })
    await store.close()
  })

  test('is found out where the mark that was on its way is the first of a new stretch of time', async () => {
    const { store, place, dropped } = await open()
    day.now += 600_000
    await store.write(batchOf({ series: voltage, at: march + 2, value: 3 }), 2)
    const fields = ['log', 'store', 'position', 'highest_device', 'highest_series']
    const newest = `SELECT ${fields.map((field) => `"${field}"`).join(', ')} FROM "pelbiot store" ORDER BY time DESC LIMIT 1`
    const [[timeMs, log, id, position] = []] = await place.server.query(newest, place.database)
    await dropped()
    await place.server.query(`CREATE DATABASE "${place.database}"`)
    // All that the new database has is what was on its way to the old one.
    await place.server.write(
      place.database,
      `pelbiot\\ store log="${log}",store="${id}",position=${position}i,highest_device=1i,highest_series=1i ${timeMs}`,
    )
    day.now += 5_000
    expect(await failureOf(store.write(one, 3))).toMatchObject({ code: 'store_emptied' })
    await store.write(one, 3)
    day.now += 5_000
    await store.write(one, 4)
    await store.close()
  })

  test('was set back to a backup: that is found out as well', async () => {
    const { place, store } = await open()
    day.now += 5_000
    await store.write(batchOf({ series: voltage, at: march + 1, value: 2 }), 20)
    day.now += 5_000
    await store.write(batchOf({ series: voltage, at: march + 2, value: 3 }), 30)
    const [row] = await place.server.query(
      'SELECT "store" FROM "pelbiot store" ORDER BY time DESC LIMIT 1',
      place.database,
    )
    await place.server.write(place.database, `pelbiot\\ store store="${row?.[1]}",position=1i ${row?.[0]}`)
    day.now += 5_000
    expect(await failureOf(store.write(one, 40))).toMatchObject({ code: 'store_emptied' })
    await store.close()
  })
})
