import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitUntil } from '../setup/wait.ts'
import { type Harness, startApi, startMs } from './harness.ts'

const minuteMs = 60_000
const accept = { accept: 'text/csv' }
/** More than a few chunks hold. */
const many = 60_000

let api: Harness
beforeAll(async () => {
  api = await startApi()
  await api.post('/api/v1/devices', { id: 'm', profileId: 'meter-1ph' })
  await api.post('/api/v1/devices', { id: 'n:1', profileId: 'meter-1ph' })
  await api.measure(
    'm',
    'power',
    Array.from({ length: 4 }, (_, i) => [startMs + i * minuteMs, i] as const),
  )
  await api.measure('n:1', 'voltage', [[startMs, -230.5]])
  await api.measure(
    'm',
    'current',
    Array.from({ length: many }, (_, i) => [startMs - 1e9 + i * 7, i] as const),
  )
})
afterAll(() => api.stop())

const range = `from=${startMs}&to=${startMs + 10 * minuteMs}`
const csv = async (path: string) => (await api.get(path, { headers: accept })).body.trimEnd().split('\r\n')

describe('readings as CSV', () => {
  test('are a line each, with their quality', async () => {
    const { headers, body } = await api.get(`/api/v1/devices/m/readings?metric=power&${range}`, { headers: accept })
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(headers.get('content-disposition')).toBe('attachment; filename="m-power.csv"')
    expect(body.split('\r\n').slice(0, 3)).toEqual([
      'time,value,quality',
      '2026-11-23T10:00:00.000Z,0,good',
      '2026-11-23T10:01:00.000Z,1,good',
    ])
  })

  test('may be summed up', async () => {
    expect(await csv(`/api/v1/devices/m/readings?metric=power&${range}&bucket=2m&fn=avg,max,count`)).toEqual([
      'from,to,count,avg,max',
      '2026-11-23T10:00:00.000Z,2026-11-23T10:02:00.000Z,2,0.5,1',
      '2026-11-23T10:02:00.000Z,2026-11-23T10:04:00.000Z,2,2.5,3',
    ])
    expect(await csv(`/api/v1/devices/m/readings?metric=power&${range}&maxPoints=3`)).toEqual([
      'device,metric,bucket,time,avg',
      '"m","power",5m,2026-11-23T10:00:00.000Z,1.5',
    ])
  })

  test('of several series say whose they are', async () => {
    expect(await csv(`/api/v1/readings?series=n:1/voltage,m/frequency,m/power&${range}`)).toEqual([
      'device,metric,time,value,quality',
      '"n:1","voltage",2026-11-23T10:00:00.000Z,-230.5,good',
      ...[0, 1, 2, 3].map((i) => `"m","power",2026-11-23T10:0${i}:00.000Z,${i},good`),
    ])
    expect(await csv(`/api/v1/readings?series=n:1/voltage,m/power&${range}&bucket=1d&fn=min,count`)).toEqual([
      'device,metric,bucket,time,min,count',
      '"n:1","voltage",1d,2026-11-22T17:00:00.000Z,-230.5,1',
      '"m","power",1d,2026-11-22T17:00:00.000Z,0,4',
    ])
  })

  test('are all there, in their order, each once, also from the beginning of time', async () => {
    const lines = await csv('/api/v1/devices/m/readings?metric=current')
    expect(lines.length).toBe(many + 1)
    expect(lines.slice(1).every((line: string, i: number) => line.split(',')[1] === String(i))).toBe(true)
  })

  test('have no pages', async () => {
    for (const field of ['limit', 'cursor']) {
      const { status, body } = await api.get(`/api/v1/devices/m/readings?metric=power&${field}=5`, { headers: accept })
      expect([status, body.errors[0].field]).toEqual([400, field])
    }
  })
})

/** An export of `m/current` of which nothing is read but its head. */
function open(key = api.adminKey) {
  return new Promise<{ status: number; retryAfter: string | undefined; read(): Promise<string>; leave(): void }>(
    (resolve, reject) => {
      const headers = { ...accept, authorization: `Bearer ${key}` }
      const asked = request(`${api.url}/api/v1/devices/m/readings?metric=current`, { headers }, (answer) =>
        resolve({
          status: answer.statusCode ?? 0,
          retryAfter: answer.headers['retry-after'],
          read: async () => (await answer.toArray()).join(''),
          leave: () => void asked.destroy(),
        }),
      )
      asked.on('error', reject)
      asked.end()
    },
  )
}

describe('an export', () => {
  test('is one of two of a caller, and makes room when it is left, read, or only its head was wanted', async () => {
    const [one, two] = await Promise.all([open(), open()])
    expect([one.status, two.status]).toEqual([200, 200])
    const three = await open()
    expect([three.status, Number(three.retryAfter)]).toEqual([429, 5])
    const other = await open(await api.issueKey({}))
    expect(other.status).toBe(200)
    other.leave()
    one.leave()
    await waitUntil('room for another', async () => {
      const next = await open()
      next.leave()
      return next.status === 200
    })
    expect((await two.read()).split('\r\n').length).toBe(many + 2)
    for (let i = 0; i < 5; i++) {
      const head = await api.request('HEAD', '/api/v1/devices/m/readings?metric=current', { headers: accept })
      expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8'])
    }
    await waitUntil('room for two', async () => {
      const both = await Promise.all([open(), open()])
      for (const { leave } of both) leave()
      return both.every(({ status }) => status === 200)
    })
  })

  test('that fails under way breaks off, so that nobody takes it for the whole', async () => {
    const { range: read } = api.fake.readings
    let asked = 0
    Object.assign(api.fake.readings, {
      range: (query: Parameters<typeof read>[0]) =>
        ++asked > 16 ? Promise.reject(new Error('the disk is gone')) : read(query),
    })
    try {
      const key = await api.issueKey({})
      await expect(open(key).then((cut) => cut.read())).rejects.toThrow()
    } finally {
      Object.assign(api.fake.readings, { range: read })
    }
    expect(api.logged.at(-1)).toMatchObject({ msg: 'answer cut off' })
  })

  test('that nobody reads any more asks the store for nothing more', async () => {
    const { range: read } = api.fake.readings
    let asked = 0
    Object.assign(api.fake.readings, {
      range: (query: Parameters<typeof read>[0]) => {
        asked++
        return read(query)
      },
    })
    try {
      const key = await api.issueKey({})
      await (await open(key)).read()
      const askedForAll = asked
      asked = 0
      const left = await open(key)
      left.leave()
      await waitUntil('the end of it', async () => {
        const before = asked
        await new Promise((resolve) => setTimeout(resolve, 50))
        return asked === before
      })
      expect(asked).toBeLessThan(askedForAll)
    } finally {
      Object.assign(api.fake.readings, { range: read })
    }
  })
})
