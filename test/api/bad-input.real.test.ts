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
const json = { 'content-type': 'application/json' }

interface Case {
  readonly name: string
  readonly method?: string
  readonly path: string
  readonly options?: RequestOptions
  readonly status: number
  readonly code: string
  readonly fields?: readonly string[]
}

const readings = '/api/v1/devices/m/readings'

const cases: readonly Case[] = [
  { name: 'an unknown path', path: '/api/v1/nothing', status: 404, code: 'not_found' },
  { name: 'a path with a slash too many', path: '/api/v1/devices/', status: 404, code: 'not_found' },
  {
    name: 'a method that a path has not',
    method: 'PUT',
    path: '/api/v1/devices',
    status: 405,
    code: 'method_not_allowed',
  },
  { name: 'a method nobody knows', method: 'PROPFIND', path: '/livez', status: 405, code: 'method_not_allowed' },
  { name: 'an unknown device', path: '/api/v1/devices/nope', status: 404, code: 'not_found' },
  {
    name: 'an id that cannot be one',
    path: '/api/v1/devices/a%20b',
    status: 400,
    code: 'malformed_request',
    fields: ['id'],
  },
  {
    name: 'an id of broken UTF-8',
    path: '/api/v1/devices/%ff%fe',
    status: 400,
    code: 'malformed_request',
    fields: ['id'],
  },
  {
    name: 'an id that is reserved',
    path: '/api/v1/devices/alerts',
    status: 400,
    code: 'malformed_request',
    fields: ['id'],
  },
  {
    name: 'an id that is too long',
    path: `/api/v1/devices/${'a'.repeat(65)}`,
    status: 400,
    code: 'malformed_request',
    fields: ['id'],
  },
  {
    name: 'an unknown parameter',
    path: '/api/v1/devices?limt=5',
    status: 400,
    code: 'malformed_request',
    fields: ['limt'],
  },
  {
    name: 'a parameter given twice',
    path: '/api/v1/devices?limit=5&limit=6',
    status: 400,
    code: 'malformed_request',
    fields: ['limit'],
  },
  {
    name: 'a parameter where there are none',
    path: '/api/v1/devices/m?x=1',
    status: 400,
    code: 'malformed_request',
    fields: ['x'],
  },
  ...['0', '-1', '10001', '1e3', '1.5', '', ' 5', '0x10', '9'.repeat(20)].map((limit) => ({
    name: `a limit of ${JSON.stringify(limit)}`,
    path: `/api/v1/devices?limit=${limit}`,
    status: 400,
    code: 'malformed_request',
    fields: ['limit'],
  })),
  ...['x', '!!!', btoa('[]'), btoa('{}'), btoa('["a","b"]'), btoa('null'), 'a'.repeat(1_001)].map((cursor) => ({
    name: `the cursor ${cursor.slice(0, 20)}`,
    path: `/api/v1/devices?cursor=${cursor}`,
    status: 400,
    code: 'malformed_request',
    fields: ['cursor'],
  })),
  { name: 'readings without a metric', path: readings, status: 400, code: 'malformed_request', fields: ['metric'] },
  {
    name: 'a metric that cannot be one',
    path: `${readings}?metric=1x`,
    status: 400,
    code: 'malformed_request',
    fields: ['metric'],
  },
  ...['yesterday', '2026-02-30T00:00:00Z', '2026-11-23', '2026-11-23T10:00:00', '-5', '1e12', '9'.repeat(17)].map(
    (from) => ({
      name: `a from of ${from}`,
      path: `${readings}?metric=voltage&from=${from}`,
      status: 400,
      code: 'malformed_request',
      fields: ['from'],
    }),
  ),
  {
    name: 'a range that is empty',
    path: `${readings}?metric=voltage&from=5&to=5`,
    status: 400,
    code: 'malformed_request',
    fields: ['from'],
  },
  {
    name: 'a range that is upside down',
    path: `${readings}?metric=voltage&from=6&to=5`,
    status: 400,
    code: 'malformed_request',
    fields: ['from'],
  },
  {
    name: 'a from in the far future',
    path: `${readings}?metric=voltage&from=4102444800000`,
    status: 400,
    code: 'malformed_request',
    fields: ['from'],
  },
  ...['0h', '1x', 'h', '1', '25h', '1441m', '86401s', '367d', '53w', '121mo', '101y', '01h', '-1h'].map((bucket) => ({
    name: `a bucket of ${bucket}`,
    path: `${readings}?metric=voltage&bucket=${bucket}`,
    status: 400,
    code: 'malformed_request',
    fields: ['bucket'],
  })),
  {
    name: 'an unknown function',
    path: `${readings}?metric=voltage&bucket=1h&fn=median`,
    status: 400,
    code: 'malformed_request',
    fields: ['fn'],
  },
  {
    name: 'a function without buckets',
    path: `${readings}?metric=voltage&fn=avg`,
    status: 400,
    code: 'malformed_request',
    fields: ['fn'],
  },
  {
    name: 'several faults at once',
    path: `${readings}?metric=-&limit=x&y=1`,
    status: 400,
    code: 'malformed_request',
    fields: ['limit', 'metric', 'y'],
  },
  {
    name: 'an unknown reason',
    path: '/api/v1/rejected?reason=bad_luck',
    status: 400,
    code: 'malformed_request',
    fields: ['reason'],
  },
  {
    name: 'a tree question that contradicts itself',
    path: '/api/v1/assets?top=true&parentId=a',
    status: 400,
    code: 'malformed_request',
    fields: ['top'],
  },
  {
    name: 'no body',
    method: 'POST',
    path: '/api/v1/devices',
    options: { headers: json },
    status: 400,
    code: 'malformed_request',
  },
  {
    name: 'a body that is no JSON',
    method: 'POST',
    path: '/api/v1/devices',
    options: { raw: '{"id":', headers: json },
    status: 400,
    code: 'malformed_request',
  },
  {
    name: 'a body that is no UTF-8',
    method: 'POST',
    path: '/api/v1/devices',
    options: { raw: new Uint8Array([0x22, 0xff, 0x22]), headers: json },
    status: 400,
    code: 'malformed_request',
  },
  {
    name: 'a body that is not called JSON',
    method: 'POST',
    path: '/api/v1/devices',
    options: { raw: '{}' },
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    name: 'a form',
    method: 'POST',
    path: '/api/v1/devices',
    options: { raw: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    name: 'a body that is too large',
    method: 'POST',
    path: '/api/v1/devices',
    options: { raw: `"${'x'.repeat(5_000)}"`, headers: json },
    status: 413,
    code: 'too_large',
  },
  ...[null, [], 'text', 5].map((body) => ({
    name: `the body ${JSON.stringify(body)}`,
    method: 'POST',
    path: '/api/v1/devices',
    options: { body },
    status: 422,
    code: 'invalid_input',
    fields: [''],
  })),
  {
    name: 'a body without what is needed',
    method: 'POST',
    path: '/api/v1/devices',
    options: { body: {} },
    status: 422,
    code: 'invalid_input',
    fields: ['id', 'profileId'],
  },
  {
    name: 'an unknown field',
    method: 'POST',
    path: '/api/v1/devices',
    options: { body: { ...device, colour: 'red' } },
    status: 422,
    code: 'invalid_input',
    fields: ['colour'],
  },
  {
    name: 'an unknown limit',
    method: 'POST',
    path: '/api/v1/devices',
    options: { body: { ...device, limits: { speed: 1 } } },
    status: 422,
    code: 'invalid_input',
    fields: ['limits.speed'],
  },
  {
    name: 'a limit that cannot be',
    method: 'POST',
    path: '/api/v1/devices',
    options: { body: { ...device, limits: { metrics: 0.5 } } },
    status: 422,
    code: 'invalid_input',
    fields: ['limits.metrics'],
  },
  {
    name: 'a tag that is none',
    method: 'POST',
    path: '/api/v1/devices',
    options: { body: { ...device, tags: ['ok', 'not ok'] } },
    status: 422,
    code: 'invalid_input',
    fields: ['tags.1'],
  },
  {
    name: 'an attribute that is no scalar',
    method: 'POST',
    path: '/api/v1/devices',
    options: { body: { ...device, attributes: { a: { b: 1 } } } },
    status: 422,
    code: 'invalid_input',
    fields: ['attributes.a'],
  },
  {
    name: 'attributes named like the insides of objects',
    method: 'POST',
    path: '/api/v1/devices',
    options: { raw: '{"id":"x","profileId":"meter-1ph","attributes":{"a-b":1}}', headers: json },
    status: 422,
    code: 'invalid_input',
    fields: ['attributes.a-b'],
  },
  {
    name: 'a name of control characters',
    method: 'POST',
    path: '/api/v1/devices',
    options: { body: { ...device, name: 'a\u0000b' } },
    status: 422,
    code: 'invalid_input',
    fields: ['name'],
  },
  {
    name: 'an empty name',
    method: 'POST',
    path: '/api/v1/devices',
    options: { body: { ...device, name: '  ' } },
    status: 422,
    code: 'invalid_input',
    fields: ['name'],
  },
  {
    name: 'an unknown time zone',
    method: 'POST',
    path: '/api/v1/sites',
    options: { body: { id: 's', name: 'S', timeZone: 'Mars/Base', currency: 'EUR' } },
    status: 422,
    code: 'invalid_input',
    fields: ['timeZone'],
  },
  {
    name: 'a site that is there already',
    method: 'POST',
    path: '/api/v1/sites',
    options: { body: { id: 'main', name: 'S', timeZone: 'UTC', currency: 'EUR' } },
    status: 409,
    code: 'conflict',
    fields: ['id'],
  },
  {
    name: 'deleting a site that has devices',
    method: 'DELETE',
    path: '/api/v1/sites/main',
    status: 409,
    code: 'conflict',
  },
  {
    name: 'deleting a profile that has devices',
    method: 'DELETE',
    path: '/api/v1/profiles/meter-1ph',
    status: 409,
    code: 'conflict',
  },
  {
    name: 'a register without digits',
    method: 'PATCH',
    path: '/api/v1/profiles/meter-1ph',
    options: { body: { metrics: [{ name: 'gas', unit: 'm3', kind: 'register', min: 0, max: 1 }] } },
    status: 422,
    code: 'invalid_input',
    fields: ['metrics.6.digits'],
  },
  {
    name: 'an unknown profile',
    method: 'PATCH',
    path: '/api/v1/profiles/nope',
    options: { body: {} },
    status: 404,
    code: 'not_found',
  },
  { name: 'an unknown key', method: 'DELETE', path: '/api/v1/keys/nope', status: 404, code: 'not_found' },
]

describe('the answer to', () => {
  test.each(cases)(
    '$name is a problem that says so',
    async ({ method = 'GET', path, options, status, code, fields }) => {
      const { body, ...answer } = await api.request(method, path, options)
      expect({ status: answer.status, body }).toMatchObject({ status, body: { status, code } })
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      expect(body.requestId).toBe(answer.headers.get('x-request-id'))
      if (fields) expect(body.errors.map(({ field }: { field: string }) => field).toSorted()).toEqual(fields)
    },
  )

  test('all of them left no trace in state and none in the log of errors', async () => {
    expect((await api.get('/api/v1/devices')).body.items.map(({ id }: { id: string }) => id)).toEqual(['m'])
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
