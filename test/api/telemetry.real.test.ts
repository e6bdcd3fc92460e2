import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../model/index.ts'
import { type Harness, startApi, startMs } from './harness.ts'

let api: Harness
beforeEach(async () => {
  api = await startApi()
  await api.post('/api/v1/sites', { id: 'other', name: 'Other', timeZone: 'UTC', currency: 'EUR' })
})
afterEach(() => api.stop())

const json = { 'content-type': 'application/json' }
const pathOf = (id: string) => `/api/v1/devices/${id}/telemetry`
const reading = { voltage: 229.8 }

async function device(id: string, more: object = {}): Promise<string> {
  return (await api.post('/api/v1/devices', { id, profileId: 'meter-1ph', ...more })).body.token
}

/** As it came to the log. */
const logged = () => api.fake.pushed.map((m) => ({ ...m, payload: Buffer.from(m.payload).toString() }))

describe('who may push', () => {
  test('a device for itself and for those behind it, as the log then says', async () => {
    const key = await device('gate', { limits: { messagesPerS: 5 } })
    await device('meter', { gatewayId: 'gate', limits: { payloadBytes: 9 } })
    expect((await api.post(pathOf('gate'), reading, { key })).status).toBe(204)
    expect((await api.post(pathOf('meter'), [reading, { ts: startMs, values: reading }], { key })).status).toBe(204)
    const gate = { principal: 'gate', limits: { messagesPerS: 5 }, limited: 'gate' }
    expect(logged()).toEqual([
      { ...gate, deviceId: 'gate', payload: '{"voltage":229.8}' },
      { ...gate, deviceId: 'meter', payload: `[{"voltage":229.8},{"ts":${startMs},"values":{"voltage":229.8}}]` },
    ])
  })

  test('a key that may write telemetry of the site, and people who operate it', async () => {
    await device('meter', { limits: { payloadBytes: 100 } })
    const narrow = await api.issueKey({ role: 'operator', scopes: ['telemetry:write'] })
    expect((await api.post(pathOf('meter'), reading, { key: narrow })).status).toBe(204)
    const { cookie, person } = await api.signIn({ role: 'operator' })
    expect((await api.post(pathOf('meter'), reading, { cookie })).status).toBe(204)
    expect(logged().map(({ principal, limited }) => [principal.replace(/^key:.*/, 'key'), limited])).toEqual([
      ['key', 'meter'],
      [`person/${person.id}`, 'meter'],
    ])
    expect((await api.post(pathOf('meter'), reading, { key: await api.issueKey({ role: 'viewer' }) })).status).toBe(403)
  })

  test('of another device, and of a site that may not be seen, is told what is told of one that does not exist', async () => {
    const key = await device('meter')
    await device('foreign', { siteId: 'other' })
    const ofMain = await api.issueKey({ role: 'admin', sites: ['main'] as never })
    for (const caller of [key, ofMain]) {
      const answers = await Promise.all(
        ['foreign', 'no-such'].map(async (id) => {
          const { status, body } = await api.post(pathOf(id), reading, { key: caller })
          return [status, body.code, body.detail.replace(id, '')]
        }),
      )
      expect(answers).toEqual(Array(2).fill([404, 'not_found', 'there is no device ']))
    }
    expect(api.fake.pushed).toEqual([])
  })

  test('nobody for the platform itself', async () => {
    expect((await api.post(pathOf('platform'), reading)).status).toBe(403)
  })

  test('a token that is revoked, or of a device that is gone, opens nothing, and a token nothing else', async () => {
    const key = await device('meter')
    for (const path of ['/api/v1/devices/meter', '/api/v1/devices', '/api/v1/auth/session', '/api/v1/status'])
      expect([path, (await api.get(path, { key })).status]).toEqual([path, 401])
    const wrong = `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`
    const answers = [await api.post(pathOf('meter'), reading, { key: wrong })]
    const [{ id }] = (await api.get('/api/v1/devices/meter/tokens')).body.items
    await api.request('DELETE', `/api/v1/devices/meter/tokens/${id}`)
    answers.push(await api.post(pathOf('meter'), reading, { key }))
    const fresh = (await api.post('/api/v1/devices/meter/tokens', undefined)).body.token
    expect((await api.post(pathOf('meter'), reading, { key: fresh })).status).toBe(204)
    await api.request('DELETE', '/api/v1/devices/meter')
    answers.push(await api.post(pathOf('meter'), reading, { key: fresh }))
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.detail}`))).toEqual(
      new Set(['401 the key is unknown, expired or revoked']),
    )
  })

  test('nobody for a device in quarantine, nor with its token; what was tried is listed', async () => {
    const key = await device('gate')
    await device('meter', { gatewayId: 'gate' })
    await api.post('/api/v1/devices/gate/quarantine', { reason: 'It floods.' })
    const answers = [
      await api.post(pathOf('gate'), reading, { key }),
      await api.post(pathOf('meter'), reading, { key }),
      await api.post(pathOf('gate'), reading),
    ]
    expect(answers.map(({ status, body }) => [status, body.detail])).toEqual(
      Array(3).fill([403, 'device gate is in quarantine']),
    )
    expect(api.fake.refusedPushes.map(({ deviceId, reason, detail }) => [deviceId, reason, detail])).toEqual([
      ['gate', 'quarantined', expect.stringContaining('pushed by gate from ')],
      ['gate', 'quarantined', expect.stringContaining('pushed by gate from ')],
      ['gate', 'quarantined', expect.stringContaining('pushed by key:')],
    ])
    expect(api.fake.pushed).toEqual([])
  })
})

describe('what cannot be used is not taken, and listed', () => {
  const faults: readonly [payload: string, status: number, reason: string, detail: string][] = [
    ['{"voltage":', 400, 'not_json', 'Unexpected end of JSON input'],
    ['[]', 400, 'wrong_shape', 'an empty array'],
    ['{}', 400, 'wrong_shape', 'no values'],
    ['7', 400, 'wrong_shape', '7 where an object belongs'],
    ['{"voltage":"high"}', 400, 'wrong_type', 'voltage: "high"'],
    ['{"ts":"noon","values":{"voltage":1}}', 400, 'wrong_type', 'ts: "noon"'],
    ['{"voltage":NaN}', 400, 'not_finite', 'voltage'],
    ['{"1st":1}', 400, 'bad_metric_name', '"1st"'],
    [`{"ts":${startMs + 100_000_000},"values":{"voltage":1}}`, 422, 'clock_ahead', 'ts is 100000 s ahead'],
    ['{"ts":1,"values":{"voltage":1}}', 422, 'too_old', 'ts is'],
    [JSON.stringify([reading, { power: null }]), 400, 'wrong_type', 'power: null'],
  ]
  test.each(faults)('%s is %d %s', async (raw, status, reason, detail) => {
    const key = await device('meter')
    const answer = await api.request('POST', pathOf('meter'), { key, raw, headers: json })
    expect(answer.status).toBe(status)
    expect(answer.body.detail).toContain(`nothing was taken: ${reason}: ${detail}`)
    expect(answer.body.errors[0].message).toContain(`${reason}: ${detail}`)
    expect(api.fake.pushed).toEqual([])
    expect(api.fake.refusedPushes).toMatchObject([{ deviceId: 'meter', reason, payload: Buffer.from(raw) }])
  })

  test('every fault of a message is named', async () => {
    const raw = JSON.stringify([{ '1st': 1, voltage: 'x' }, { ts: 1, values: reading }, reading])
    const { status, body } = await api.request('POST', pathOf('platform-x'), { raw, headers: json })
    expect(status).toBe(404)
    expect(body.code).toBe('not_found')
    await device('meter')
    const { body: problem } = await api.request('POST', pathOf('meter'), { raw, headers: json })
    expect(problem.errors.map(({ message }: { message: string }) => message.split(':')[0])).toEqual([
      'bad_metric_name',
      'wrong_type',
      'too_old',
    ])
  })

  test('a body that is not called JSON, packed, or too large, is told so', async () => {
    const key = await device('meter')
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await api.request('POST', pathOf('meter'), { key, raw: '{}', headers: form })).status).toBe(415)
    const packed = { ...json, 'content-encoding': 'gzip' }
    const refused = await api.request('POST', pathOf('meter'), { key, raw: gzipSync('{"voltage":1}'), headers: packed })
    expect([refused.status, refused.headers.get('accept-encoding')]).toEqual([415, 'identity'])
    expect(refused.body.detail).toBe('this route reads bodies as they are; Content-Encoding is gzip')
    const raw = 'x'.repeat(1024 * 1024 + 1)
    expect((await api.request('POST', pathOf('meter'), { key, raw, headers: json })).status).toBe(413)
  })
})

describe('what the log does not take', () => {
  test('is told with when to come again', async () => {
    const key = await device('meter')
    api.fake.pushOutcome = { kind: 'too_fast', messagesPerS: 0.1, waitMs: 10_000 }
    const fast = await api.post(pathOf('meter'), reading, { key })
    expect([fast.status, fast.body.code, fast.headers.get('retry-after')]).toEqual([429, 'rate_limited', '10'])
    expect(['limit', 'remaining', 'reset'].map((name) => fast.headers.get(`ratelimit-${name}`))).toEqual([
      '1',
      '0',
      '10',
    ])
    api.fake.pushOutcome = { kind: 'payload_too_large', bytesMax: 10 }
    expect((await api.post(pathOf('meter'), reading, { key })).status).toBe(413)
    api.fake.pushOutcome = new AppError('log_full', 'append failed: no room', { retryable: true })
    const full = await api.post(pathOf('meter'), reading, { key })
    expect([full.status, full.body.code, full.headers.get('retry-after')]).toEqual([503, 'log_full', '1'])
  })
})

test('with an Idempotency-Key the same push is in the log once, whoever else uses the same key', async () => {
  const key = await device('meter')
  const other = await device('other-meter')
  const headers = { 'idempotency-key': 'one' }
  for (let i = 0; i < 3; i++) expect((await api.post(pathOf('meter'), reading, { key, headers })).status).toBe(204)
  expect((await api.post(pathOf('other-meter'), reading, { key: other, headers })).status).toBe(204)
  expect((await api.post(pathOf('meter'), { voltage: 1 }, { key, headers })).status).toBe(422)
  expect(logged().map(({ deviceId }) => deviceId)).toEqual(['meter', 'other-meter'])
})
