import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseSiteId } from '../../model/index.ts'
import { type Harness, startApi, startMs } from './harness.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const time = (ms: number) => new Date(ms).toISOString()

let api: Harness
beforeAll(async () => {
  api = await startApi()
  for (const id of ['m', 'n']) await api.post('/api/v1/devices', { id, profileId: 'meter-1ph' })
  await api.post('/api/v1/sites', { id: 'far', name: 'Far', timeZone: 'Europe/Berlin', currency: 'EUR' })
  await api.post('/api/v1/devices', { id: 'hidden', profileId: 'meter-1ph', siteId: 'far' })
  const day = Array.from({ length: 24 * 60 }, (_, i) => [startMs - 24 * hourMs + i * minuteMs, i] as const)
  await api.measure('m', 'power', day)
  await api.measure('hidden', 'power', day)
})
afterAll(() => api.stop())

const dayRange = `from=${time(startMs - 24 * hourMs)}&to=${time(startMs)}`
const fields = ({ body }: { body: { errors?: { field: string }[] } }) => (body.errors ?? []).map(({ field }) => field)

describe('readings of one series with maxPoints', () => {
  const read = (query: string) => api.get(`/api/v1/devices/m/readings?metric=power&${query}`)

  test('are the shortest buckets that are no more', async () => {
    const { body, headers } = await read(`${dayRange}&maxPoints=100`)
    expect(body.bucket).toBe('15m')
    expect(body.nextCursor).toBeNull()
    expect(body.items).toHaveLength(96)
    expect(body.items[0]).toEqual({
      from: time(startMs - 24 * hourMs),
      to: time(startMs - 24 * hourMs + 15 * minuteMs),
      value: 7,
      count: 15,
    })
    expect(headers.get('x-cache')).toBe('miss')
    expect((await read(`${dayRange}&maxPoints=100`)).headers.get('x-cache')).toBe('hit')
  })

  test('are whole buckets where the range cuts them', async () => {
    const { body } = await read(`from=${startMs - 90 * minuteMs}&to=${startMs - 30 * minuteMs}&maxPoints=3`)
    expect(body.bucket).toBe('30m')
    expect(body.items.map(({ count }: { count: number }) => count)).toEqual([30, 30])
    const cut = await read(`from=${startMs - 80 * minuteMs}&to=${startMs - 40 * minuteMs}&maxPoints=3`)
    expect(cut.body.items).toEqual(body.items)
  })

  test('are as they came where they are no more', async () => {
    const { body } = await read(`from=${startMs - 5 * minuteMs}&maxPoints=5`)
    expect(body.bucket).toBeNull()
    expect(body.items).toHaveLength(5)
    expect(body.items[0]).toEqual({ time: time(startMs - 5 * minuteMs), value: 1435, quality: 'good' })
  })

  test('are summed up in several ways at once', async () => {
    const { body } = await read(`${dayRange}&maxPoints=10&fn=min,max,avg`)
    expect(body.bucket).toBe('3h')
    expect(body.items[1]).toMatchObject({ value: 60, values: { min: 60, max: 239, avg: 149.5 } })
  })

  test('go over years, and are none where there are none', async () => {
    expect((await read('from=0&to=8640000000000000&maxPoints=2')).body.items).toHaveLength(1)
    expect((await read('from=1000&to=2000&maxPoints=100')).body).toEqual({ bucket: '15s', items: [], nextCursor: null })
    expect((await read(`from=${startMs + hourMs}&to=${startMs + 2 * hourMs}&maxPoints=100`)).body.items).toEqual([])
    const never = await api.get('/api/v1/devices/m/readings?metric=frequency&from=0&maxPoints=50')
    expect(never.body).toMatchObject({ items: [], nextCursor: null })
  })

  test.each([
    ['maxPoints=0', ['maxPoints']],
    ['maxPoints=1', ['maxPoints']],
    ['maxPoints=10001', ['maxPoints']],
    ['maxPoints=1.5', ['maxPoints']],
    ['maxPoints=10&bucket=1h', ['bucket']],
    ['maxPoints=10&limit=5&cursor=x', ['limit', 'cursor']],
    ['fn=avg', ['fn']],
    ['maxPoints=10&fn=avg,median', ['fn']],
    ['maxPoints=10&fn=avg,avg', ['fn']],
    ['maxPoints=10&fn=', ['fn']],
  ])('refuse %s, and name the field', async (query, named) => {
    const answer = await read(`${dayRange}&${query}`)
    expect([answer.status, fields(answer)]).toEqual([400, named])
  })

  test('need a beginning', async () => {
    expect(fields(await read('maxPoints=10'))).toEqual(['from'])
  })

  test('show a reading that came late, and one that was corrected, at once', async () => {
    const id = 'late'
    await api.post('/api/v1/devices', { id, profileId: 'meter-1ph' })
    const sum = async () => {
      const { body } = await api.get(`/api/v1/devices/${id}/readings?metric=power&${dayRange}&maxPoints=3&fn=sum`)
      return body.items.reduce((all: number, { value }: { value: number }) => all + value, 0)
    }
    await api.measure(
      id,
      'power',
      Array.from({ length: 60 }, (_, i) => [startMs - hourMs + i * minuteMs, 1] as const),
    )
    expect(await sum()).toBe(60)
    expect(await sum()).toBe(60)
    await api.measure(id, 'power', [[startMs - 10 * hourMs, 100]])
    expect(await sum()).toBe(160)
    await api.measure(id, 'power', [[startMs - minuteMs, 5]])
    expect(await sum()).toBe(164)
  })
})

describe('readings of several series', () => {
  const read = (query: string, options = {}) => api.get(`/api/v1/readings?${query}`, options)

  test('come as columns, in the order in which they were asked for', async () => {
    await api.measure('n', 'oddity', [[startMs - hourMs, 3]])
    const { body, headers } = await read(`series=n/oddity,m/power,m/frequency&${dayRange}&maxPoints=2&fn=max,count`)
    expect(body.items).toEqual([
      {
        device: 'n',
        metric: 'oddity',
        unit: null,
        bucket: null,
        times: [time(startMs - hourMs)],
        values: { max: [3], count: [1] },
        quality: ['good'],
      },
      {
        device: 'm',
        metric: 'power',
        unit: 'W',
        bucket: '1d',
        times: [time(startMs - 41 * hourMs), time(startMs - 17 * hourMs)],
        values: { max: [419, 1439], count: [420, 1020] },
      },
      { device: 'm', metric: 'frequency', unit: 'Hz', bucket: '1d', times: [], values: { max: [], count: [] } },
    ])
    expect(headers.get('x-cache')).toBe('miss')
  })

  test('have buckets of the calendar of each site', async () => {
    const { body } = await read(`series=m/power,hidden/power&${dayRange}&bucket=1d&fn=count`)
    expect(body.items.map(({ times }: { times: string[] }) => times[0])).toEqual([
      '2026-11-21T17:00:00.000Z',
      '2026-11-21T23:00:00.000Z',
    ])
    expect(body.items.map(({ values }: { values: { count: number[] } }) => values.count)).toEqual([
      [420, 1020],
      [780, 660],
    ])
  })

  test('come as they are without either, up to 10,000', async () => {
    const { body } = await read(`series=m/power&${dayRange}`)
    expect(body.items[0].bucket).toBeNull()
    expect(body.items[0].times).toHaveLength(1_440)
    expect(body.items[0].values.avg[7]).toBe(7)
    await api.measure(
      'n',
      'power',
      Array.from({ length: 10_001 }, (_, i) => [startMs - hourMs + i, i] as const),
    )
    const many = await read(`series=n/power&${dayRange}`)
    expect([many.status, fields(many)]).toEqual([400, ['from']])
  })

  test('of another site are as if they did not exist, and the field is named', async () => {
    const key = await api.issueKey({ sites: [parseSiteId('main')] })
    const query = (series: string) => read(`series=m/power,${series}&${dayRange}&maxPoints=10`, { key })
    const [other, none, metric] = [await query('hidden/power'), await query('nobody/power'), await query('m/pwoer')]
    expect([other.status, none.status, metric.status]).toEqual([404, 404, 404])
    expect([fields(other), fields(none), fields(metric)]).toEqual([['series'], ['series'], ['series']])
    expect(other.body.detail.replace('hidden', 'nobody')).toBe(none.body.detail)
    expect((await read(`series=hidden/power&${dayRange}&maxPoints=10`)).status).toBe(200)
  })

  test.each([
    ['series=m&from=0', ['series']],
    ['series=m/power/x&from=0', ['series']],
    ['series=m/power,&from=0', ['series']],
    ['series=m/power,m/power&from=0', ['series']],
    [`series=${Array.from({ length: 51 }, (_, i) => `m/a${i}`)}&from=0`, ['series']],
    ['series=m/power', ['from']],
    ['series=m/power&from=2&to=1', ['from']],
    ['series=m/power&from=0&bucket=1s', ['bucket']],
    ['series=m/power&from=0&maxPoints=5&bucket=1s', ['bucket']],
    ['series=m/power&from=0&fn=avg', ['fn']],
    [`series=${Array.from({ length: 11 }, (_, i) => `n/a${i}`)}&from=0&maxPoints=10000`, ['maxPoints']],
  ])('refuse %s, and name the field', async (query, named) => {
    for (let i = 0; i < 11; i++) if (query.includes(`n/a${i}`)) await api.measure('n', `a${i}`, [[startMs, 1]])
    const answer = await read(query)
    expect([answer.status, fields(answer)]).toEqual([400, named])
  })
})

describe('the latest readings of a site', () => {
  const read = (query = '', options = {}) => api.get(`/api/v1/sites/yard/latest${query}`, options)
  beforeAll(async () => {
    await api.post('/api/v1/sites', { id: 'yard', name: 'Yard', timeZone: 'UTC', currency: 'EUR' })
    await api.post('/api/v1/assets', { id: 'panel', siteId: 'yard', kind: 'panel', name: 'Panel' })
    for (const id of ['y2', 'y1', 'y3'])
      await api.post('/api/v1/devices', {
        id,
        profileId: 'meter-1ph',
        siteId: 'yard',
        ...(id === 'y3' && { assetId: 'panel' }),
      })
    await api.measure('y1', 'voltage', [[startMs, 230]])
    await api.measure('y1', 'gas', [[startMs - hourMs, 4]])
    await api.measure('y2', 'voltage', [[startMs, 231]])
    await api.measure('y3', 'power', [[startMs, 1_000]])
  })
  const names = ({ body }: { body: { items: { device: string; metric: string }[] } }) =>
    body.items.map(({ device, metric }) => `${device}/${metric}`)

  test('come by device and metric', async () => {
    const { body } = await read()
    expect(body.items[0]).toEqual({
      device: 'y1',
      metric: 'gas',
      time: time(startMs - hourMs),
      value: 4,
      unit: null,
      quality: 'good',
    })
    expect(names({ body })).toEqual(['y1/gas', 'y1/voltage', 'y2/voltage', 'y3/power'])
    expect(body.items[1].unit).toBe('V')
  })

  test('may be of some metrics, of an asset, of a profile', async () => {
    expect(names(await read('?metric=gas,power'))).toEqual(['y1/gas', 'y3/power'])
    expect(names(await read('?assetId=panel'))).toEqual(['y3/power'])
    expect(names(await read('?profileId=meter-3ph'))).toEqual([])
    const wrong = await read('?metric=gas,')
    expect([wrong.status, fields(wrong)]).toEqual([400, ['metric']])
  })

  test('come page by page', async () => {
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await read(`?limit=1${cursor && `&cursor=${cursor}`}`)
      seen.push(...names(page))
      cursor = page.body.nextCursor
    }
    expect(seen).toEqual(['y1/gas', 'y1/voltage', 'y2/voltage', 'y3/power'])
  })

  test('of a device go with it to another site', async () => {
    await api.request('PATCH', '/api/v1/devices/y2', { body: { siteId: 'far' } })
    expect(names(await read())).not.toContain('y2/voltage')
    expect(names(await api.get('/api/v1/sites/far/latest?metric=voltage'))).toEqual(['y2/voltage'])
  })

  test('of a site that may not be seen are not found', async () => {
    const key = await api.issueKey({ sites: [parseSiteId('main')] })
    expect((await read('', { key })).status).toBe(404)
  })
})
