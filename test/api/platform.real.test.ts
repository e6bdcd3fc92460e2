import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppError, parseDeviceId, parseSiteId } from '../../model/index.ts'
import { type Harness, startApi, startMs } from './harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startApi()
})
beforeEach(() => {
  api.fake.silent.clear()
  api.fake.appendError = undefined
  api.logged.length = 0
})
afterAll(() => api.stop())

describe('the status', () => {
  test('tells how far the log and its consumers are', async () => {
    const { body } = await api.get('/api/v1/status')
    expect(body).toMatchObject({
      time: '2026-11-23T10:00:00.000Z',
      log: { head: 4_096, durable: 4_000, bytes: 4_096, full: false },
      ingest: { messages: 12, readings: 72, rejected: { not_json: 4 } },
      broker: { connections: 5, ackedTotal: 100, failedLoginsTotal: 2, pacedMsTotal: 1_500 },
      rejected: { listed: 0, total: 0 },
    })
    // What it has read, not what the log may forget: the latter follows the snapshots.
    expect(body.log.consumers).toEqual([{ name: 'ingest', position: 3_900, lag: 100, released: 1_000 }])
  })

  test('shows what there is while a part does not answer', async () => {
    api.fake.silent.add('ingest').add('readings')
    const { status, body } = await api.get('/api/v1/status')
    expect(status).toBe(200)
    expect(body).toMatchObject({ ingest: null, readings: null, log: { head: 4_096 } })
  })
})

describe('health', () => {
  test('is alive and ready, without a key', async () => {
    expect((await api.get('/livez', { key: null })).status).toBe(200)
    const { status, body } = await api.get('/readyz', { key: null })
    expect([status, body]).toMatchObject([200, { ready: true, checks: { state: 'ok', log: 'ok', broker: 'ok' } }])
  })

  test('is not ready while a part does not answer, or the log is full; yet alive', async () => {
    api.fake.silent.add('broker')
    const silent = await api.get('/readyz', { key: null })
    expect([silent.status, silent.body.checks]).toMatchObject([503, { broker: 'does not answer', ingest: 'ok' }])
    api.fake.silent.clear()
    api.fake.logStats = { ...api.fake.logStats, full: true }
    const full = await api.get('/readyz', { key: null })
    expect([full.status, full.body.checks]).toMatchObject([503, { log: 'full' }])
    api.fake.logStats = { ...api.fake.logStats, full: false }
    expect((await api.get('/livez', { key: null })).status).toBe(200)
  })
})

describe('the metrics', () => {
  const lines = async () => (await api.get('/metrics', { key: null })).body.split('\n') as string[]

  test('count what every part counts', async () => {
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'pelbiot_log_durable_bytes 4000',
        'pelbiot_log_consumer_lag_bytes{consumer="ingest"} 100',
        'pelbiot_ingest_messages_total 12',
        'pelbiot_ingest_rejected_total{reason="not_json"} 4',
        'pelbiot_mqtt_connections_open 5',
        'pelbiot_mqtt_acked_total 100',
        'pelbiot_mqtt_paced_seconds_total 1.5',
        'pelbiot_part_up{part="ingest"} 1',
      ]),
    )
  })

  test('stay the same when nothing happens, and say which part is silent', async () => {
    await lines()
    api.fake.silent.add('ingest')
    expect(await lines()).toEqual(
      expect.arrayContaining(['pelbiot_ingest_messages_total 12', 'pelbiot_part_up{part="ingest"} 0']),
    )
  })

  test('count requests by route, never by address', async () => {
    await api.get('/api/v1/devices/nobody')
    await api.get('/some/where')
    await api.request('PROPFIND', '/api/v1/devices')
    const text = (await lines()).join('\n')
    expect(text).toContain('pelbiot_http_requests_total{method="GET",route="/api/v1/devices/{id}",status="404"} 1')
    expect(text).toContain('pelbiot_http_requests_total{method="GET",route="none",status="404"} 1')
    expect(text).toContain('method="other",route="none",status="405"')
    expect(text).not.toMatch(/nobody|PROPFIND|some/)
  })
})

describe('a log that takes nothing', () => {
  const device = { id: 'waiting', profileId: 'meter-1ph' }

  test('makes the answer say that the change is stored and will take effect by itself', async () => {
    api.fake.appendError = new AppError('log_full', 'append 1 frames failed: no room', { retryable: true })
    const { status, headers, body } = await api.post('/api/v1/devices', device)
    expect([status, headers.get('retry-after')]).toEqual([503, '1'])
    expect(body.detail).toContain('the change is stored')
    expect((await api.state.outbox.pending(10)).map(({ topic }) => topic)).toEqual(['device/waiting'])
    expect(await api.state.devices.get(parseDeviceId('waiting'))).toBeDefined()
  })

  test('refuses the next change whole', async () => {
    api.fake.appendError = new AppError('log_full', 'append 1 frames failed: no room', { retryable: true })
    const { status, body } = await api.post('/api/v1/devices', { ...device, id: 'second' })
    expect([status, body.code]).toEqual([503, 'log_full'])
    expect(await api.state.devices.get(parseDeviceId('second'))).toBeUndefined()
  })

  test('gets what waited, in order, with the next change once it has room', async () => {
    api.fake.controls.length = 0
    expect((await api.post('/api/v1/devices', { ...device, id: 'third' })).status).toBe(201)
    expect(api.fake.controls.map(({ topic }) => topic)).toEqual(['device/waiting', 'device/third'])
    expect(await api.state.outbox.pending(10)).toEqual([])
  })
})

describe('what nobody foresaw', () => {
  test('is a 500 that keeps its insides to itself, and is in the log under the request id', async () => {
    await using own = await startApi()
    Object.assign(own.fake.peers.ingest, { presence: () => Promise.reject(new TypeError('secret insides')) })
    const { status, body, headers } = await own.get('/api/v1/devices')
    expect([status, body.code]).toEqual([500, 'internal'])
    expect(JSON.stringify(body)).not.toContain('insides')
    expect(own.logged).toMatchObject([
      { msg: 'request failed', requestId: headers.get('x-request-id'), err: { message: 'secret insides' } },
    ])
  })
})

describe('an answer that takes too long', () => {
  test('is a 503, and the next one is not held up', async () => {
    await using own = await startApi({ answerTimeoutMs: 100 })
    own.fake.silent.add('ingest')
    const { status, body } = await own.get('/api/v1/devices')
    expect([status, body.code]).toEqual([503, 'store_unavailable'])
    own.fake.silent.clear()
    expect((await own.get('/api/v1/devices')).status).toBe(200)
  })
})

test('HEAD answers like GET, without a body', async () => {
  const { status, headers, body } = await api.request('HEAD', '/api/v1/sites')
  expect([status, headers.get('content-type'), body]).toEqual([200, 'application/json', undefined])
})

describe('the rejected list', () => {
  const row = (i: number, deviceId: string | null, reason: string) => ({
    timeMs: startMs + Math.floor(i / 2),
    deviceId: deviceId === null ? null : parseDeviceId(deviceId),
    clientId: 'c',
    topic: 'pel/v1/x/telemetry',
    reason,
    detail: `row ${i}`,
    payload: Buffer.from([0, 255, i]),
  })
  const details = (body: { items: { detail: string }[] }) => body.items.map(({ detail }) => detail)

  beforeAll(async () => {
    await api.post('/api/v1/devices', { id: 'bad', profileId: 'meter-1ph' })
    const rows = [0, 1, 2, 3, 4].map((i) => row(i, i === 4 ? null : 'bad', i % 2 ? 'not_json' : 'too_old'))
    await api.state.ledger.commit('ingest', 1, rows)
  })

  test('shows each message with its reason and its bytes', async () => {
    const { body } = await api.get('/api/v1/rejected?limit=1')
    expect(body.items).toEqual([
      {
        time: '2026-11-23T10:00:00.000Z',
        deviceId: 'bad',
        clientId: 'c',
        topic: 'pel/v1/x/telemetry',
        reason: 'too_old',
        detail: 'row 0',
        payloadBase64: 'AP8A',
      },
    ])
    expect(body.nextCursor).not.toBeNull()
  })

  test('is filtered, ordered and paged', async () => {
    const list = async (query: string) => (await api.get(`/api/v1/rejected?${query}`)).body
    expect(details(await list('reason=not_json'))).toEqual(['row 1', 'row 3'])
    expect(details(await list('device=bad&order=desc'))).toEqual(['row 3', 'row 2', 'row 1', 'row 0'])
    expect(details(await list(`from=${startMs + 1}&to=${startMs + 2}`))).toEqual(['row 2', 'row 3'])
    for (const order of ['asc', 'desc']) {
      const seen: string[] = []
      let cursor = ''
      do {
        const body = await list(`order=${order}&limit=2${cursor && `&cursor=${cursor}`}`)
        seen.push(...details(body))
        cursor = body.nextCursor
      } while (cursor)
      expect(seen).toEqual((order === 'asc' ? [0, 1, 2, 3, 4] : [4, 3, 2, 1, 0]).map((i) => `row ${i}`))
    }
  })

  test("hides other sites' messages, and those of no device, from a key that is limited", async () => {
    const main = await api.issueKey({ sites: [parseSiteId('main')] })
    expect(details((await api.get('/api/v1/rejected', { key: main })).body)).toHaveLength(4)
    const other = await api.issueKey({ sites: [parseSiteId('elsewhere')] })
    expect(details((await api.get('/api/v1/rejected', { key: other })).body)).toEqual([])
  })
})

describe('a stop', () => {
  test('lets a running request finish, takes no new connection, and ends', async () => {
    await using own = await startApi()
    let release: (() => void) | undefined
    const entered = new Promise<void>((entered) => {
      Object.assign(own.fake.peers.ingest, {
        presence: () => {
          entered()
          return new Promise((resolve) => {
            release = () => resolve([])
          })
        },
      })
    })
    const running = own.get('/api/v1/devices')
    await entered
    const stopped = own.stop()
    await expect(fetch(`${own.url}/livez`, { headers: { connection: 'close' } })).rejects.toThrow()
    release?.()
    expect((await running).status).toBe(200)
    await stopped
  })

  test('cuts what does not finish in time', async () => {
    await using own = await startApi({ stopTimeoutMs: 50 })
    const entered = new Promise<void>((entered) => {
      Object.assign(own.fake.peers.ingest, {
        presence: () => {
          entered()
          return new Promise(() => undefined)
        },
      })
    })
    const cut = expect(own.get('/api/v1/devices')).rejects.toThrow()
    await entered
    await own.stop()
    await cut
    expect(own.logged).toMatchObject([{ msg: 'http requests cut at stop' }])
  })

  test('may come twice, and before the start has finished', async () => {
    const own = await startApi()
    await Promise.all([own.stop(), own.stop()])
    await expect(fetch(`${own.url}/livez`)).rejects.toThrow()
  })

  test('is not needed where the start failed: a port that is taken makes the start fail in words', async () => {
    await expect(startApi({ port: Number(new URL(api.url).port) })).rejects.toThrow(
      /listen on 127\.0\.0\.1:\d+ for HTTP/,
    )
  })
})

describe('a store in trouble', () => {
  test.each([
    [undefined, '1'],
    [7_000, '7'],
    [3_600_000, '60'],
  ])('tells callers what is wrong and no more, and after %s ms to ask again', async (retryAfterMs, header) => {
    const { range } = api.fake.readings
    const options = { retryable: true, retryAfterMs, publicText: 'read readings failed: InfluxDB cannot be reached' }
    const error = new AppError('store_unavailable', 'read readings failed: connect ECONNREFUSED 10.0.0.7', options)
    await api.post('/api/v1/devices', { id: 'read', profileId: 'meter-1ph' })
    await api.measure('read', 'voltage', [[startMs, 230]])
    Object.assign(api.fake.readings, { range: () => Promise.reject(error) })
    try {
      for (const headers of [{}, { accept: 'text/csv' }]) {
        const answer = await api.get('/api/v1/devices/read/readings?metric=voltage', { headers })
        expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, header])
        expect(answer.body.detail).toBe(options.publicText)
        expect(JSON.stringify(answer.body)).not.toContain('10.0.0.7')
      }
    } finally {
      Object.assign(api.fake.readings, { range })
    }
  })
})
