import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeCursor } from '../../api/cursor.ts'
import { type Harness, type RequestOptions, startApi, startMs } from './harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startApi({ maxBodyBytes: 4_096 })
  await api.post('/api/v1/devices', { id: 'm', profileId: 'meter-1ph' })
  await api.measure('m', 'voltage', [
    [startMs, 1],
    [startMs + 1, 2],
  ])
})
afterAll(() => api.stop())

const device = { id: 'x', profileId: 'meter-1ph' }
const site = { id: 's', name: 'S', timeZone: 'UTC', currency: 'EUR' }
const gauge = { name: 'level', unit: '%', kind: 'gauge', min: 0, max: 100 }
const register = { ...gauge, kind: 'register' }
const profile = { id: 'p', name: 'P', reportingIntervalMs: 60_000 }
const json = { 'content-type': 'application/json' }

interface Case {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly options?: RequestOptions
  readonly status: number
  readonly code: string
  /** Those that the problem must name, by name. */
  readonly fields: readonly string[]
}

const readings = '/api/v1/devices/m/readings'
const voltage = `${readings}?metric=voltage`

/** An address that is wrong in these parameters. */
const address = (name: string, path: string, ...fields: string[]): Case => ({
  name,
  method: 'GET',
  path,
  status: 400,
  code: 'malformed_request',
  fields,
})

/** A body that is wrong in these fields. */
const body = (name: string, path: string, body: unknown, ...fields: string[]): Case => ({
  name,
  method: 'POST',
  path,
  options: { body },
  status: 422,
  code: 'invalid_input',
  fields,
})

const other = (name: string, request: string, status: number, code: string, ...fields: string[]): Case => {
  const [method = '', path = ''] = request.split(' ')
  return { name, method, path, status, code, fields }
}

/** A body whose very bytes are wrong. */
const bytes = (name: string, status: number, code: string, options: RequestOptions): Case => ({
  ...other(name, 'POST /api/v1/devices', status, code),
  options,
})

const cases: readonly Case[] = [
  other('an unknown path', 'GET /api/v1/nothing', 404, 'not_found'),
  other('a path with a slash too many', 'GET /api/v1/devices/', 404, 'not_found'),
  other('a method that a path has not', 'PUT /api/v1/devices', 405, 'method_not_allowed'),
  other('a method that no path has', 'PROPFIND /livez', 405, 'method_not_allowed'),
  other('an unknown device', 'GET /api/v1/devices/nope', 404, 'not_found'),
  other('an unknown key', 'DELETE /api/v1/keys/nope', 404, 'not_found'),
  other('deleting a site that has devices', 'DELETE /api/v1/sites/main', 409, 'conflict', 'devices'),
  other('deleting a profile that has devices', 'DELETE /api/v1/profiles/meter-1ph', 409, 'conflict', 'devices'),

  address('an id that cannot be one', '/api/v1/devices/a%20b', 'id'),
  address('an id of broken UTF-8', '/api/v1/devices/%ff%fe', 'id'),
  address('an id that is reserved', '/api/v1/devices/alerts', 'id'),
  address('an id that is too long', `/api/v1/devices/${'a'.repeat(65)}`, 'id'),
  address('an unknown parameter', '/api/v1/devices?limt=5', 'limt'),
  address('a parameter given twice', '/api/v1/devices?limit=5&limit=6', 'limit'),
  address('a parameter where there are none', '/api/v1/devices/m?x=1', 'x'),
  ...['0', '-1', '10001', '1e3', '1.5', '', ' 5', '0x10', '9'.repeat(20)].map((limit) =>
    address(`a limit of ${JSON.stringify(limit)}`, `/api/v1/devices?limit=${limit}`, 'limit'),
  ),
  ...['x', '!!!', btoa('[]'), btoa('{}'), btoa('["a","b"]'), btoa('null'), 'a'.repeat(1_001)].map((cursor) =>
    address(`the cursor ${cursor.slice(0, 20)}`, `/api/v1/devices?cursor=${cursor}`, 'cursor'),
  ),
  address('readings without a metric', readings, 'metric'),
  address('a metric that cannot be one', `${readings}?metric=1x`, 'metric'),
  ...['yesterday', '2026-02-30T00:00:00Z', '2026-11-23', '2026-11-23T10:00:00', '-5', '1e12', '9'.repeat(17)].map(
    (from) => address(`a from of ${from}`, `${voltage}&from=${from}`, 'from'),
  ),
  address('a range that is empty', `${voltage}&from=5&to=5`, 'from'),
  address('a range that is upside down', `${voltage}&from=6&to=5`, 'from'),
  address('a from in the far future', `${voltage}&from=4102444800000`, 'from'),
  ...['0h', '1x', 'h', '1', '25h', '1441m', '86401s', '367d', '53w', '121mo', '101y', '01h', '-1h'].map((bucket) =>
    address(`a bucket of ${bucket}`, `${voltage}&bucket=${bucket}`, 'bucket'),
  ),
  address('an unknown function', `${voltage}&bucket=1h&fn=median`, 'fn'),
  address('a function without buckets', `${voltage}&fn=avg`, 'fn'),
  address('several faults at once', `${readings}?metric=-&limit=x&y=1`, 'limit', 'metric', 'y'),
  address('an unknown reason', '/api/v1/rejected?reason=bad_luck', 'reason'),
  address('a tree question that contradicts itself', '/api/v1/assets?top=true&parentId=a', 'top'),

  bytes('no body', 400, 'malformed_request', { headers: json }),
  bytes('a body that is no JSON', 400, 'malformed_request', { raw: '{"id":', headers: json }),
  bytes('a body that is no UTF-8', 400, 'malformed_request', {
    raw: new Uint8Array([0x22, 0xff, 0x22]),
    headers: json,
  }),
  bytes('a body that is not called JSON', 415, 'unsupported_media_type', { raw: '{}' }),
  bytes('a form', 415, 'unsupported_media_type', { raw: 'a=1', headers: { 'content-type': 'multipart/form-data' } }),
  ...['gzip', 'br', 'identity, gzip'].map((encoding) =>
    bytes(`a body packed with ${encoding}`, 415, 'unsupported_media_type', {
      raw: gzipSync('{}'),
      headers: { ...json, 'content-encoding': encoding },
    }),
  ),
  bytes('a body that is too large', 413, 'too_large', { raw: `"${'x'.repeat(5_000)}"`, headers: json }),

  ...[null, [], 'text', 5].map((whole) => body(`the body ${JSON.stringify(whole)}`, '/api/v1/devices', whole, '')),
  body('a body without what is needed', '/api/v1/devices', {}, 'id', 'profileId'),
  body('an unknown field', '/api/v1/devices', { ...device, colour: 'red' }, 'colour'),
  body('an unknown limit', '/api/v1/devices', { ...device, limits: { speed: 1 } }, 'limits.speed'),
  body('a limit that cannot be', '/api/v1/devices', { ...device, limits: { metrics: 0.5 } }, 'limits.metrics'),
  body('a tag that is none', '/api/v1/devices', { ...device, tags: ['ok', 'not ok'] }, 'tags.1'),
  body('an attribute that is no scalar', '/api/v1/devices', { ...device, attributes: { a: { b: 1 } } }, 'attributes.a'),
  body('an attribute that has no name', '/api/v1/devices', { ...device, attributes: { 'a-b': 1 } }, 'attributes.a-b'),
  body('a name of control characters', '/api/v1/devices', { ...device, name: 'a\u0000b' }, 'name'),
  body('an empty name', '/api/v1/devices', { ...device, name: '  ' }, 'name'),
  body('an unknown time zone', '/api/v1/sites', { ...site, timeZone: 'Mars/Base' }, 'timeZone'),
  body('an unknown currency', '/api/v1/sites', { ...site, currency: 'euro' }, 'currency'),
  body('a register without digits', '/api/v1/profiles', { ...profile, metrics: [register] }, 'metrics.0.digits'),
  body(
    'a metric named as no message can',
    '/api/v1/profiles',
    { ...profile, metrics: [{ ...gauge, name: 'ts' }] },
    'metrics.0.name',
  ),
  body('a name with half a character', '/api/v1/devices', { ...device, name: '\ud800' }, 'name'),
  body('two metrics of one name', '/api/v1/profiles', { ...profile, metrics: [gauge, gauge] }, 'metrics.1.name'),
]

describe('the answer to', () => {
  test.each(cases)('$name is a problem that says so', async ({ method, path, options, status, code, fields }) => {
    const { body, ...answer } = await api.request(method, path, options)
    expect({ status: answer.status, body }).toMatchObject({ status, body: { status, code } })
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(body.requestId).toBe(answer.headers.get('x-request-id'))
    const named = (body.errors ?? []).map(({ field }: { field: string }) => field)
    expect(named.toSorted()).toEqual(fields)
    // The words of a schema are for programmers.
    expect(JSON.stringify(body.errors ?? [])).not.toMatch(/Invalid|expected/)
  })

  test('all of them left no trace in state and none in the log of errors', async () => {
    expect((await api.get('/api/v1/devices')).body.items.map(({ id }: { id: string }) => id)).toEqual(['m', 'platform'])
    expect(api.logged).toEqual([])
  })

  test('a wrong method names the right ones', async () => {
    expect((await api.request('PUT', '/api/v1/devices')).headers.get('allow')).toBe('GET, HEAD, POST')
    expect((await api.request('POST', '/api/v1/devices/m')).headers.get('allow')).toBe('DELETE, GET, HEAD, PATCH')
  })

  test('a body in many pieces without a length is cut off where it is too large', async () => {
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1_024
        if (sent > 10_000_000) controller.close()
        else controller.enqueue(new Uint8Array(1_024).fill(0x20))
      },
    })
    const response = await fetch(`${api.url}/api/v1/devices`, {
      method: 'POST',
      headers: { ...json, authorization: `Bearer ${api.adminKey}` },
      body: endless,
      duplex: 'half',
    } as RequestInit)
    expect(response.status).toBe(413)
    expect(sent).toBeLessThan(10_000_000)
  })
})

describe('a cursor', () => {
  test('of one query does not continue another', async () => {
    const { body } = await api.get(`${readings}?metric=voltage&limit=1`)
    expect(body.nextCursor).not.toBeNull()
    const next = (query: string) => api.get(`${readings}?${query}&cursor=${body.nextCursor}`)
    expect((await next('metric=voltage&limit=1')).status).toBe(200)
    for (const other of ['metric=current', 'metric=voltage&from=1', 'metric=voltage&bucket=1h']) {
      const answer = await next(other)
      expect([other, answer.status, answer.body.errors]).toMatchObject([other, 400, [{ field: 'cursor' }]])
    }
  })

  test('that was made by hand cannot ask for impossible places', async () => {
    const filter = { list: 'devices' }
    for (const place of [5, null, {}, '', 'x'.repeat(200)])
      expect((await api.get(`/api/v1/devices?cursor=${encodeCursor(filter, place)}`)).status).toBe(400)
    const device = await api.state.devices.list({ scope: 'all', limit: 1 })
    const raw = { device: device.items[0]?.number, metric: 'voltage' }
    for (const place of [[-1, 5], [5, 1e300], [9, 3], [0.5, 7], [0], ['0', '1']]) {
      const { status } = await api.get(`${readings}?metric=voltage&cursor=${encodeCursor(raw, place)}`)
      expect([place, status]).toEqual([place, 400])
    }
  })
})
