import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Harness, startApi, startMs } from './harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startApi()
  await api.post('/api/v1/devices', { id: 'm', profileId: 'meter-1ph' })
})
afterAll(() => api.stop())

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const read = (query: string) => api.get(`/api/v1/devices/m/readings?${query}`)
const time = (ms: number) => new Date(ms).toISOString()

describe('raw readings', () => {
  test('come ascending, with time, value and quality', async () => {
    await api.measure('m', 'voltage', [
      [startMs - minuteMs, 229.5],
      [startMs, 230.25],
    ])
    const { body } = await read('metric=voltage')
    expect(body).toEqual({
      items: [
        { time: '2026-11-23T09:59:00.000Z', value: 229.5, quality: 'good' },
        { time: '2026-11-23T10:00:00.000Z', value: 230.25, quality: 'good' },
      ],
      nextCursor: null,
    })
  })

  test('lie in the half-open range, given as RFC 3339, or as ms or seconds since 1970', async () => {
    const times = async (query: string) =>
      (await read(`metric=voltage&${query}`)).body.items.map(({ time }: { time: string }) => time)
    const [before, at] = [time(startMs - minuteMs), time(startMs)]
    expect(await times(`from=${before}&to=${at}`)).toEqual([before])
    expect(await times(`from=${startMs}`)).toEqual([at])
    expect(await times(`to=${startMs}`)).toEqual([before])
    expect(await times(`from=2026-11-23T17:00:00%2B07:00`)).toEqual([at])
    expect(await times(`from=2026-11-23T17:00:00+07:00`)).toEqual([at])
    expect(await times(`from=${startMs / 1000}`)).toEqual([at])
    expect(await times(`from=${startMs + 1}`)).toEqual([])
  })

  test('of five minutes ahead are there without saying to', async () => {
    await api.measure('m', 'current', [[startMs + 4 * minuteMs, 1]])
    expect((await read('metric=current')).body.items).toHaveLength(1)
  })

  test('are paged without gap or repetition, also while new ones come', async () => {
    const values = Array.from({ length: 25 }, (_, i) => [startMs - hourMs + i * 1000, i] as const)
    await api.measure('m', 'power', values)
    const seen: number[] = []
    let cursor: string | null = null
    do {
      const { body } = await read(`metric=power&limit=10${cursor === null ? '' : `&cursor=${cursor}`}`)
      seen.push(...body.items.map(({ value }: { value: number }) => value))
      cursor = body.nextCursor
      await api.measure('m', 'power', [[startMs + hourMs, 99]])
    } while (cursor)
    expect(seen).toEqual(values.map(([, value]) => value))
  })

  test('of a metric that the device might send and never sent are none', async () => {
    expect((await read('metric=frequency')).body).toEqual({ items: [], nextCursor: null })
    expect((await read('metric=frequency&bucket=1h')).body).toEqual({ items: [], nextCursor: null })
  })

  test('of a metric that neither the device nor its profile knows are not found', async () => {
    const { status, body } = await read('metric=voltgae')
    expect({ status, body }).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect(body.detail).toContain('voltgae')
  })

  test('keep every digit of a value', async () => {
    const values = [0, 0.1 + 0.2, 1e300, 5e-324, -123456789.12345679, Number.MAX_SAFE_INTEGER]
    await api.measure(
      'm',
      'digits',
      values.map((value, i) => [startMs + i, value] as const),
    )
    const { body } = await read('metric=digits')
    expect(body.items.map(({ value }: { value: number }) => value)).toEqual(values)
  })
})

describe('buckets', () => {
  test('sum up what lies in them, by any of the functions', async () => {
    await api.measure('m', 'load', [
      [startMs, 10],
      [startMs + 20 * minuteMs, 40],
      [startMs + 40 * minuteMs, 10],
      [startMs + 3 * hourMs, 7],
    ])
    const range = `from=${startMs}&to=${startMs + 4 * hourMs}`
    const values = async (fn: string) =>
      (await read(`metric=load&${range}&bucket=1h&fn=${fn}`)).body.items.map(({ value }: { value: number }) => value)
    expect((await read(`metric=load&${range}&bucket=1h`)).body.items).toEqual([
      { from: time(startMs), to: time(startMs + hourMs), value: 20, count: 3 },
      { from: time(startMs + 3 * hourMs), to: time(startMs + 4 * hourMs), value: 7, count: 1 },
    ])
    expect(await values('min')).toEqual([10, 7])
    expect(await values('max')).toEqual([40, 7])
    expect(await values('sum')).toEqual([60, 7])
    expect(await values('count')).toEqual([3, 1])
    expect(await values('first')).toEqual([10, 7])
    expect(await values('last')).toEqual([10, 7])
  })

  test('are cut where the range cuts them', async () => {
    const { body } = await read(`metric=load&from=${startMs + 10 * minuteMs}&to=${startMs + 30 * minuteMs}&bucket=1h`)
    expect(body.items).toEqual([
      { from: time(startMs + 10 * minuteMs), to: time(startMs + 30 * minuteMs), value: 40, count: 1 },
    ])
  })

  test("of a day are the site's days", async () => {
    // Jakarta is seven hours ahead of UTC: its day begins at 17:00 UTC.
    await api.measure('m', 'humidity', [
      [Date.parse('2026-11-20T16:59:59.999Z'), 1],
      [Date.parse('2026-11-20T17:00:00.000Z'), 2],
    ])
    const { body } = await read('metric=humidity&from=2026-11-19T17:00:00Z&to=2026-11-21T17:00:00Z&bucket=1d')
    expect(body.items).toEqual([
      { from: '2026-11-19T17:00:00.000Z', to: '2026-11-20T17:00:00.000Z', value: 1, count: 1 },
      { from: '2026-11-20T17:00:00.000Z', to: '2026-11-21T17:00:00.000Z', value: 2, count: 1 },
    ])
  })

  test('without a range are the last ones up to the bucket of now', async () => {
    const { body } = await read('metric=voltage&bucket=1h')
    expect(body.items.at(-1)).toMatchObject({ from: time(startMs), to: time(startMs + hourMs), count: 1 })
  })

  test('are paged by the cursor, the empty ones left out', async () => {
    const values = Array.from({ length: 9 }, (_, i) => [startMs + i * 2 * hourMs, i] as const)
    await api.measure('m', 'steps', values)
    const query = `metric=steps&from=${startMs}&to=${startMs + 20 * hourMs}&bucket=1h&limit=4`
    const pages: number[][] = []
    let cursor: string | null = null
    do {
      const { body } = await read(cursor === null ? query : `${query}&cursor=${cursor}`)
      pages.push(body.items.map(({ value }: { value: number }) => value))
      cursor = body.nextCursor
    } while (cursor)
    expect(pages).toEqual([[0, 1, 2, 3], [4, 5, 6, 7], [8]])
  })

  test('after a long silence come without walking through it', async () => {
    await api.measure('m', 'rare', [
      [startMs, 1],
      [startMs + 400_000_000_000, 2],
    ])
    const query = `metric=rare&from=${startMs}&to=${startMs + 400_000_005_000}&bucket=1s`
    const found: number[] = []
    let pages = 0
    let cursor: string | null = null
    do {
      const { body } = await read(cursor === null ? query : `${query}&cursor=${cursor}`)
      found.push(...body.items.map(({ value }: { value: number }) => value))
      cursor = body.nextCursor
      pages++
    } while (cursor)
    expect([found, pages]).toEqual([[1, 2], 2])
  })
})

describe('the latest readings', () => {
  test('have the newest time of each metric, and its unit where the profile knows it', async () => {
    await api.post('/api/v1/devices', { id: 'late', profileId: 'meter-1ph' })
    await api.measure('late', 'voltage', [[startMs, 230]])
    await api.measure('late', 'voltage', [[startMs - hourMs, 220]])
    await api.measure('late', 'a_discovered_one', [[startMs, 1]])
    expect((await api.get('/api/v1/devices/late/latest')).body.items).toEqual([
      { metric: 'a_discovered_one', time: time(startMs), value: 1, unit: null, quality: 'good' },
      { metric: 'voltage', time: time(startMs), value: 230, unit: 'V', quality: 'good' },
    ])
  })

  test('of a device that sent nothing are none', async () => {
    await api.post('/api/v1/devices', { id: 'silent', profileId: 'meter-1ph' })
    expect((await api.get('/api/v1/devices/silent/latest')).body).toEqual({ items: [] })
  })
})

describe('a discovered metric', () => {
  test('is listed as such until the profile adopts it', async () => {
    await api.post('/api/v1/profiles', { id: 'own', name: 'Own', reportingIntervalMs: 5_000, metrics: [] })
    await api.post('/api/v1/devices', { id: 'own-1', profileId: 'own' })
    await api.measure('own-1', 'gas', [[startMs, 5]])
    const series = async () => (await api.get('/api/v1/devices/own-1/series')).body.items
    expect(await series()).toEqual([{ metric: 'gas', unit: null, kind: null, discovered: true }])
    const gas = { name: 'gas', unit: 'm3', kind: 'register', min: 0, max: 1e6, digits: 6 }
    expect((await api.request('PATCH', '/api/v1/profiles/own', { body: { metrics: [gas] } })).status).toBe(200)
    expect(await series()).toEqual([{ metric: 'gas', unit: 'm3', kind: 'register', discovered: false }])
    expect(api.fake.controls.at(-1)?.topic).toBe('profile/own')
  })
})
