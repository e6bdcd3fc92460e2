import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findOperation } from './contract.ts'
import { type Harness, startApi, startMs } from './harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())

/** Every operation behind a policy; whom each lets in is the access matrix's to test. */
function guarded() {
  return Object.entries(api.document.paths).flatMap(([template, operations]) =>
    Object.entries(operations).flatMap(([method, { 'x-pelbiot-policy': policy }]) =>
      policy === 'public' ? [] : [{ method: method.toUpperCase(), path: template.replaceAll(/\{\w+\}/g, 'nothing') }],
    ),
  )
}

describe('every operation behind a policy', () => {
  test('asks for a key, before it looks at anything else', async () => {
    for (const { method, path } of guarded()) {
      const { status, headers, body } = await api.request(method, path, { key: null })
      expect([method, path, status]).toEqual([method, path, 401])
      expect(headers.get('www-authenticate')).toMatch(/^Bearer /)
      expect(body.code).toBe('unauthenticated')
    }
  })
})

describe('a key', () => {
  test('is shown once, opens what its role allows, and is worth nothing once it is revoked', async () => {
    const { status, body } = await api.post('/api/v1/keys', { name: 'Grafana', role: 'viewer', sites: ['main'] })
    expect(status).toBe(201)
    expect(body).toMatchObject({ name: 'Grafana', role: 'viewer', sites: ['main'], scopes: [], revokedAt: null })
    expect((await api.get('/api/v1/devices', { key: body.key })).status).toBe(200)
    expect((await api.post('/api/v1/devices', {}, { key: body.key })).status).toBe(403)
    expect(JSON.stringify((await api.get('/api/v1/keys')).body)).not.toContain(body.key)

    expect((await api.request('DELETE', `/api/v1/keys/${body.id}`)).status).toBe(204)
    const frame = api.fake.controls.at(-1)
    expect(frame?.topic).toBe(`credential/key:${body.id}`)
    expect(JSON.parse(frame?.payload ?? '').ends).toEqual([{ secretId: `${body.id}.1`, endsMs: startMs }])
    expect((await api.get('/api/v1/devices', { key: body.key })).status).toBe(401)
    const listed = (await api.get('/api/v1/keys')).body.items.find(({ id }: { id: string }) => id === body.id)
    expect(listed.revokedAt).toBe('2026-11-23T10:00:00.000Z')
  })

  test('ends when it expires', async () => {
    const soon = { name: 'soon', role: 'viewer', expiresAt: '2026-11-23T11:00:00+00:00' }
    const { body } = await api.post('/api/v1/keys', soon)
    expect(body.expiresAt).toBe('2026-11-23T11:00:00.000Z')
    expect((await api.get('/api/v1/devices', { key: body.key })).status).toBe(200)
    api.clock.nowMs = startMs + 3_600_000
    expect((await api.get('/api/v1/devices', { key: body.key })).status).toBe(401)
    api.clock.nowMs = startMs
    const past = await api.post('/api/v1/keys', { ...soon, expiresAt: '2026-11-23T09:00:00Z' })
    expect([past.status, past.body.errors]).toMatchObject([422, [{ field: 'expiresAt' }]])
  })

  test('of an unknown site is refused', async () => {
    const { status, body } = await api.post('/api/v1/keys', { name: 'x', role: 'viewer', sites: ['main', 'mian'] })
    expect([status, body.errors]).toMatchObject([422, [{ field: 'sites.1' }]])
  })

  test('that is narrowed cannot make a wider one', async () => {
    const key = await api.issueKey({ role: 'admin', scopes: ['keys:write', 'readings:read'] })
    const make = (scopes: string[]) => api.post('/api/v1/keys', { name: 'x', role: 'viewer', scopes }, { key })
    expect((await make([])).status).toBe(403)
    expect((await make(['devices:read'])).status).toBe(403)
    expect((await make(['readings:read'])).status).toBe(201)
  })

  test('that ends cannot make one that ends later, nor get the secret of one', async () => {
    const soonMs = startMs + 3_600_000
    const key = await api.issueKey({ role: 'admin', expiresMs: soonMs })
    const make = async (expiresMs: number | null) => {
      const expiresAt = expiresMs && new Date(expiresMs).toISOString()
      return (await api.post('/api/v1/keys', { name: 'next', role: 'viewer', expiresAt }, { key })).status
    }
    expect([await make(null), await make(soonMs + 1_000), await make(soonMs)]).toEqual([403, 403, 201])
    const { body: lasting } = await api.post('/api/v1/keys', { name: 'lasting', role: 'viewer' })
    expect((await api.post(`/api/v1/keys/${lasting.id}/rotate`, {}, { key })).status).toBe(403)
    const { id } = (await api.get('/api/v1/auth/session', { key })).body
    expect((await api.post(`/api/v1/keys/${id}/rotate`, {}, { key })).status).toBe(201)
  })

  test('is replaced under the same id, and the old secret ends by itself', async () => {
    const { body } = await api.post('/api/v1/keys', { name: 'rotating', role: 'viewer' })
    const rotate = (overlapS: number) => api.post(`/api/v1/keys/${body.id}/rotate`, { overlapS })
    const opens = async (key: string) => (await api.get('/api/v1/devices', { key })).status === 200
    const secretsOf = async () =>
      (await api.get('/api/v1/keys')).body.items.find(({ id }: { id: string }) => id === body.id).secrets
    expect(await secretsOf()).toEqual([{ createdAt: '2026-11-23T10:00:00.000Z', expiresAt: null, lastUsedAt: null }])

    api.clock.nowMs = startMs + 1_000
    const second = await rotate(60)
    expect([second.status, second.body.id]).toEqual([201, body.id])
    expect([await opens(body.key), await opens(second.body.key)]).toEqual([true, true])
    expect(await secretsOf()).toMatchObject([
      { createdAt: '2026-11-23T10:00:01.000Z', expiresAt: null },
      { createdAt: '2026-11-23T10:00:00.000Z', expiresAt: '2026-11-23T10:01:01.000Z' },
    ])
    const again = await rotate(60)
    expect([again.status, again.body.errors]).toMatchObject([409, [{ field: 'overlapS' }]])
    api.clock.nowMs = startMs + 61_000
    expect([await opens(body.key), await opens(second.body.key)]).toEqual([false, true])
    expect(await secretsOf()).toHaveLength(1)

    const third = await rotate(0)
    expect([await opens(second.body.key), await opens(third.body.key)]).toEqual([false, true])
    expect(JSON.stringify((await api.get('/api/v1/keys')).body)).not.toContain(third.body.key)
    await api.request('DELETE', `/api/v1/keys/${body.id}`)
    expect((await rotate(0)).status).toBe(409)
    expect((await api.post('/api/v1/keys/nothing/rotate', {})).status).toBe(404)
    api.clock.nowMs = startMs
  })

  test('shows when each of its secrets was last used', async () => {
    const { body } = await api.post('/api/v1/keys', { name: 'used', role: 'viewer' })
    await api.post(`/api/v1/keys/${body.id}/rotate`, { overlapS: 60 })
    await api.state.credentialUses.record([
      { secretId: `${body.id}.1`, usedMs: startMs },
      { secretId: `${body.id}.2`, usedMs: startMs + 1_000 },
    ])
    const listed = (await api.get('/api/v1/keys')).body.items.find(({ id }: { id: string }) => id === body.id)
    expect(listed.secrets.map(({ lastUsedAt }: { lastUsedAt: string }) => lastUsedAt)).toEqual([
      '2026-11-23T10:00:01.000Z',
      '2026-11-23T10:00:00.000Z',
    ])
  })

  test('that is narrowed does not get the secret of a wider one', async () => {
    const key = await api.issueKey({ role: 'admin', scopes: ['keys:write'] })
    const wide = (await api.post('/api/v1/keys', { name: 'wide', role: 'viewer' })).body
    const narrow = (await api.post('/api/v1/keys', { name: 'narrow', role: 'viewer', scopes: ['keys:write'] })).body
    expect((await api.post(`/api/v1/keys/${wide.id}/rotate`, {}, { key })).status).toBe(403)
    expect((await api.post(`/api/v1/keys/${narrow.id}/rotate`, {}, { key })).status).toBe(201)
  })

  test('of a device does not open the API', async () => {
    const { body } = await api.post('/api/v1/devices', { id: 'meter-1', profileId: 'meter-1ph' })
    expect((await api.get('/api/v1/devices', { key: body.token })).status).toBe(401)
  })

  test.each(['', 'Basic YTpi', 'Bearer', 'Bearer  ', 'Bearer a b', `Bearer ${'x'.repeat(600)}`, 'Bearer näh'])(
    'is not %j',
    async (authorization) => {
      const headers = { authorization: Buffer.from(authorization).toString('latin1') }
      expect((await api.get('/api/v1/devices', { key: null, headers })).status).toBe(401)
    },
  )
})

test('the scheme is not case-sensitive', async () => {
  const headers = { authorization: `bearer ${api.adminKey}` }
  expect((await api.get('/api/v1/devices', { key: null, headers })).status).toBe(200)
  expect(findOperation(api.document, 'GET', '/api/v1/devices')?.operationId).toBe('get-devices')
})

describe('a refusal', () => {
  test('is in the log with who, what and from where, and without what was tried', async () => {
    await using own = await startApi()
    const viewer = await own.issueKey({ role: 'viewer' })
    const wrong = 'pel_key_guessed'
    await own.get('/api/v1/keys', { key: viewer })
    await own.get('/api/v1/devices', { key: wrong })
    await own.get('/api/v1/devices/nobody', { key: viewer })
    expect(own.refused).toMatchObject([
      { level: 40, code: 'forbidden', method: 'GET', route: '/api/v1/keys', principal: expect.stringMatching(/^key:/) },
      { level: 40, code: 'unauthenticated', method: 'GET', route: '/api/v1/devices', address: '127.0.0.1' },
    ])
    expect(own.refused[1]).not.toHaveProperty('principal')
    expect(JSON.stringify(own.refused)).not.toMatch(new RegExp(`${wrong}|${viewer}`))
  })
})
