import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Influxdb, startInfluxdb } from '../../setup/influxdb.ts'
import { describeWith } from '../../setup/require-tool.ts'
import { batchOf, type TestReading } from './catalog.ts'
import { createInfluxdbPlace, useInfluxdb } from './influxdb-place.ts'
import { always, createStandardCatalog, march, other, power, voltage } from './store-under-test.ts'

const dayMs = 86_400_000

describeWith(['influxd'], 'what InfluxDB refuses for ever', () => {
  const begin = useInfluxdb()

  async function open() {
    const place = await begin()
    const catalog = createStandardCatalog()
    const store = place.create(catalog)
    await store.open()
    const values = async (seriesId: number) => [...(await store.range({ seriesId, ...always })).values]
    return {
      place,
      catalog,
      store,
      values,
      write: (...readings: TestReading[]) => store.write(batchOf(...readings), 1),
    }
  }

  test('a field of another type costs its reading, and nothing beside it', async () => {
    const { place, store, values, write } = await open()
    await place.server.write(place.database, `meter-1ph,device=another voltage="high" ${march}`)
    const { refused } = await write(
      { series: voltage, at: march, value: 1 },
      { series: power, at: march, value: 2 },
      { series: other, at: march + 5, value: 3 },
      { series: power, at: march + 9, value: 4 },
      // A late one.
      { series: voltage, at: march + 1, value: 5 },
      { series: power, at: march + 1, value: 6 },
    )
    expect(refused.map(({ index }) => index).sort()).toEqual([0, 2, 4])
    expect(refused[0]?.reason).toMatch(/field type conflict: input field "voltage" on measurement "meter-1ph"/)
    expect(await values(power)).toEqual([2, 6, 4])
    expect(await values(voltage)).toEqual([])
    await store.close()
  })

  test('so does a quality of another type, for what is not good', async () => {
    const { place, store, values, write } = await open()
    await place.server.write(place.database, `meter-1ph,device=another voltage__q="bad" ${march}`)
    const { refused } = await write(
      { series: voltage, at: march, value: 1, quality: 1 },
      { series: voltage, at: march + 1, value: 2 },
      { series: power, at: march + 2, value: 3, quality: 1 },
    )
    expect(refused.map(({ index }) => index)).toEqual([0])
    expect([await values(voltage), await values(power)]).toEqual([[2], [3]])
    await store.close()
  })

  test('a measurement whose received time is somebody else’s costs its points at once', async () => {
    const { place, store, write } = await open()
    await place.server.write(place.database, `meter-1ph,device=another received_ms="now" ${march}`)
    const readings = Array.from({ length: 500 }, (_, i) => ({ series: voltage, at: march + i, value: i }))
    const { refused } = await write(...readings)
    expect(refused).toHaveLength(500)
    await store.close()
  })

  test('points older than the retention policy are found, the others are stored', async () => {
    const { place, store, values } = await open()
    await place.server.query(`ALTER RETENTION POLICY autogen ON "${place.database}" DURATION 7d`)
    const now = Date.now()
    const ages = [0, 30, 1, 29, 2, 3, 40]
    const { refused } = await store.write(
      batchOf(...ages.map((days, i) => ({ series: voltage, at: now - days * dayMs, value: i }))),
      1,
    )
    expect(refused.map(({ index }) => index).sort()).toEqual([1, 3, 6])
    expect(refused[0]?.reason).toMatch(/beyond retention policy/)
    expect((await values(voltage)).sort()).toEqual([0, 2, 4, 5])
    await store.close()
  })

  test('several reasons at once are all found', async () => {
    const { place, store, values } = await open()
    await place.server.query(`ALTER RETENTION POLICY autogen ON "${place.database}" DURATION 7d`)
    const now = Date.now()
    await place.server.write(place.database, `meter-1ph,device=another power="much" ${now}`)
    const readings = Array.from({ length: 200 }, (_, i) => {
      return { series: i % 3 === 0 ? power : voltage, at: now + i - (i % 5 === 0 ? 60 * dayMs : 0), value: i }
    })
    const { refused } = await store.write(batchOf(...readings), 1)
    const wanted = readings.flatMap((_, i) => (i % 3 === 0 || i % 5 === 0 ? [i] : []))
    expect(refused.map(({ index }) => index).sort((a, b) => a - b)).toEqual(wanted)
    expect(await values(voltage)).toHaveLength(200 - wanted.length)
    await store.close()
  })

  test('a point of which nothing is left is no request', async () => {
    const { place, store, write } = await open()
    await place.server.write(place.database, `meter-1ph,device=another voltage="high" ${march}`)
    expect((await write({ series: voltage, at: march, value: 1 })).refused).toHaveLength(1)
    await store.close()
  })

  test('the position of a batch with refused readings counts once the next write comes', async () => {
    const { place, catalog, store } = await open()
    await place.server.write(place.database, `meter-1ph,device=another voltage="high" ${march}`)
    await store.write(batchOf({ series: power, at: march, value: 1 }), 10)
    await store.write(batchOf({ series: voltage, at: march, value: 1 }), 20)
    await store.close()
    const again = place.create(catalog)
    expect((await again.open()).position).toBe(10)
    await again.write(batchOf({ series: voltage, at: march, value: 1 }), 20)
    await again.write(batchOf(), 30)
    await again.close()
    const third = place.create(catalog)
    expect((await third.open()).position).toBe(30)
    await third.close()
  })
})

describeWith(['influxd'], 'an InfluxDB with narrow limits', () => {
  let server: Influxdb
  beforeAll(async () => {
    server = await startInfluxdb({
      env: {
        INFLUXDB_DATA_INDEX_VERSION: 'inmem',
        INFLUXDB_DATA_MAX_SERIES_PER_DATABASE: '3',
        INFLUXDB_HTTP_MAX_BODY_SIZE: '3000',
      },
    })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test('new series beyond its bound are refused one by one, and requests too large for it are halved', async () => {
    const place = await createInfluxdbPlace(server, 'narrow')
    const catalog = createStandardCatalog()
    const store = place.create(catalog)
    // The mark is the first series.
    await store.open()
    await store.write(batchOf({ series: voltage, at: march, value: 1 }, { series: other, at: march, value: 1 }), 1)
    const further = Array.from({ length: 5 }, (_, i) =>
      catalog.add(50 + i, 'voltage', { profile: 'meter-1ph', known: true }),
    )
    const readings = Array.from({ length: 300 }, (_, i) => {
      return { series: i % 100 === 50 ? (further[i % 5] ?? 0) : [voltage, other][i % 2], at: march + 10 + i, value: i }
    })
    const { refused } = await store.write(batchOf(...readings.map((r) => ({ ...r, series: r.series ?? 0 }))), 2)
    expect(refused.map(({ index }) => index)).toEqual([50, 150, 250])
    expect(refused[0]?.reason).toMatch(/max-series-per-database/)
    expect((await store.range({ seriesId: voltage, ...always })).values).toHaveLength(148)
    await store.close()
  })
})
