import { pino } from 'pino'
import { expect, test } from 'vitest'
import { influxdbReadingsConfigSchema } from '../../../store/readings/index.ts'
import { createConnection } from '../../../store/readings/influxdb/connection.ts'
import { Layout } from '../../../store/readings/influxdb/layout.ts'
import { Rollups } from '../../../store/readings/influxdb/rollups.ts'
import { createWriter } from '../../../store/readings/influxdb/writer.ts'
import { startHttpProxy } from '../../setup/http-proxy.ts'
import { describeWith } from '../../setup/require-tool.ts'
import { startVictoriaMetrics } from '../../setup/victoria-metrics.ts'
import { waitUntil } from '../../setup/wait.ts'
import { batchOf } from './catalog.ts'
import { useInfluxdb } from './influxdb-place.ts'
import { always, createStandardCatalog, march, power, voltage } from './store-under-test.ts'

const one = batchOf({ series: voltage, at: march, value: 1 })

describeWith(['influxd'], 'what is stored in InfluxDB', () => {
  const begin = useInfluxdb()

  test('is one point per device and time, as anybody would look for it', async () => {
    const place = await begin()
    const store = place.create(createStandardCatalog())
    await store.open()
    const [first, second] = [march, march + 60_000]
    await store.write(
      batchOf(
        { series: voltage, at: first, value: 229.8, received: first + 3 },
        { series: power, at: first, value: -1500, received: first + 3 },
        { series: voltage, at: second, value: 999, quality: 1, received: second + 3 },
        { series: power, at: second, value: 1, received: second + 3, deviceTime: second + 400_000 },
      ),
      1,
    )
    await store.close()
    const columns = 'voltage, voltage__q, power, power__q, received_ms, device_time_ms, device, device_number'
    const rows = await place.server.query(`SELECT ${columns} FROM "meter-1ph"`, place.database)
    expect(rows).toEqual([
      // The first point of a device that nothing is known of says that it is good.
      [first, 229.8, 0, -1500, 0, first + 3, null, 'device-1', null],
      [second, 999, 1, 1, null, second + 3, second + 400_000, 'device-1', null],
    ])
  })

  test('is good again when it was suspect and is sent again as good, also after a restart', async () => {
    const place = await begin()
    const catalog = createStandardCatalog()
    const store = place.create(catalog)
    await store.open()
    const suspect = [0, 1, 2].map((i) => ({ series: voltage, at: march + i, value: 1, quality: 1 as const }))
    await store.write(batchOf(...suspect), 1)
    await store.write(batchOf({ series: voltage, at: march, value: 2 }), 2)
    await store.close()
    const restarted = place.create(catalog)
    await restarted.open()
    await restarted.write(
      batchOf({ series: voltage, at: march + 1, value: 2 }, { series: voltage, at: march + 2, value: 2 }),
      3,
    )
    const { values, quality } = await restarted.range({ seriesId: voltage, ...always })
    expect([[...values], [...quality]]).toEqual([
      [2, 2, 2],
      [0, 0, 0],
    ])
    await restarted.close()
  })

  test('is in a database that is made where it is missing, whose retention follows the platform’s', async () => {
    const place = await begin()
    const store = place.create(createStandardCatalog(), { database: 'made here' })
    expect(await store.open()).toMatchObject({ position: 0 })
    await store.write(one, 1)
    const policies = () => place.server.query('SHOW RETENTION POLICIES ON "made here"')
    expect((await policies())[0]?.slice(0, 2)).toEqual(['pelbiot', '0s'])
    await store.expire(Date.now() - 90 * 86_400_000)
    // Of whole UTC days, so up to one more.
    expect((await policies())[0]?.slice(0, 2)).toEqual(['pelbiot', '2184h0m0s'])
    await store.close()
  })

  test('expires in our measurements only', async () => {
    const place = await begin()
    const store = place.create(createStandardCatalog())
    await store.open()
    await store.write(one, 1)
    await place.server.write(place.database, `cpu,host=a load=1 ${march}`)
    await store.expire(march + 86_400_000)
    expect((await store.range({ seriesId: voltage, ...always })).values).toHaveLength(0)
    expect(await place.server.query('SELECT load FROM cpu', place.database)).toHaveLength(1)
    await store.close()
  })
})

describeWith(['victoria-metrics'], 'the write path of InfluxDB 2.x', () => {
  test('is the official client’s own, with bucket, organisation and token', async () => {
    await using server = await startVictoriaMetrics()
    await using proxy = await startHttpProxy(server.url)
    const seen: (string | undefined)[] = []
    proxy.answer = ({ url, headers }) => {
      if (url?.startsWith('/api/v2/write')) seen.push(url, headers.authorization)
      return undefined
    }
    const place = { url: proxy.url, bucket: 'meters/raw', org: 'my org', token: 'abc' }
    const connection = createConnection(influxdbReadingsConfigSchema.parse(place), pino({ level: 'silent' }))
    const layout = new Layout(createStandardCatalog())
    const writer = createWriter({ connection, layout, rollups: new Rollups(connection) })
    const readings = Array.from({ length: 100 }, (_, i) => [
      { series: voltage, at: march + i * 1_000, value: 230 + i },
      { series: power, at: march + i * 1_000, value: i, quality: 1 as const },
    ]).flat()
    expect(await writer.write(batchOf(...readings))).toEqual([])
    connection.close()
    expect(seen.slice(0, 2)).toEqual(['/api/v2/write?org=my%20org&bucket=meters%2Fraw&precision=ms', 'Token abc'])
    const [stored] = await waitUntil('the values to be seen', async () => {
      const found = await server.values('meter-1ph_voltage')
      return found.length > 0 ? found : undefined
    })
    expect(stored?.metric).toMatchObject({ device: 'device-1' })
    expect(stored?.values).toEqual(Array.from({ length: 100 }, (_, i) => 230 + i))
    expect(stored?.timestamps[99]).toBe(march + 99_000)
    expect((await server.values('meter-1ph_power__q'))[0]?.values).toEqual(Array.from({ length: 100 }, () => 1))
  })
})
