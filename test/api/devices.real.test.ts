import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDeviceId, parseSiteId } from '../../model/index.ts'
import { type Harness, startApi, startMs } from './harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())

const lastAudit = async () => (await api.get('/api/v1/audit?limit=1')).body.items[0]
const lastControl = () => api.fake.controls.at(-1)

describe('a new device', () => {
  test('gets a token, shown once, and its control frame is in the log before the answer', async () => {
    const { status, body, headers } = await api.post('/api/v1/devices', { id: 'meter-1', profileId: 'meter-1ph' })
    expect(status).toBe(201)
    expect(headers.get('location')).toBe('/api/v1/devices/meter-1')
    expect(body).toMatchObject({ id: 'meter-1', siteId: 'main', profileId: 'meter-1ph', name: 'meter-1' })
    expect(await api.state.credentials.verify(body.token)).toMatchObject({ kind: 'device-token', deviceId: 'meter-1' })
    const frame = api.fake.controls.find(({ topic }) => topic === 'device/meter-1')
    expect(JSON.parse(frame?.payload ?? '')).toMatchObject({ id: 'meter-1', siteId: 'main' })
    expect((await api.get('/api/v1/devices/meter-1')).body).not.toHaveProperty('token')
  })

  test('leaves an audit row that names who, and by which request, but no secret', async () => {
    const { body } = await api.post(
      '/api/v1/devices',
      { id: 'audited', profileId: 'meter-1ph' },
      { headers: { 'x-request-id': 'request-7' } },
    )
    const { items } = (await api.get('/api/v1/audit?resourceType=device&resourceId=audited')).body
    expect(items).toMatchObject([
      { action: 'device.create', requestId: 'request-7', principal: { kind: 'key' }, before: null, siteId: 'main' },
    ])
    expect(JSON.stringify((await api.get('/api/v1/audit')).body)).not.toContain(body.token)
  })

  test('with an id that is taken is a conflict that names the field', async () => {
    await api.post('/api/v1/devices', { id: 'twice', profileId: 'meter-1ph' })
    const { status, body } = await api.post('/api/v1/devices', { id: 'twice', profileId: 'meter-1ph' })
    expect(status).toBe(409)
    expect(body).toMatchObject({ code: 'conflict', errors: [{ field: 'id' }] })
  })

  test('belongs to the site of its asset when none is named', async () => {
    await api.post('/api/v1/sites', { id: 'plant', name: 'Plant', timeZone: 'Europe/Berlin', currency: 'EUR' })
    await api.post('/api/v1/assets', { id: 'plant-panel', siteId: 'plant', kind: 'panel', name: 'Panel' })
    const device = { id: 'on-panel', profileId: 'meter-3ph', assetId: 'plant-panel' }
    expect((await api.post('/api/v1/devices', device)).body).toMatchObject({ siteId: 'plant', assetId: 'plant-panel' })
  })

  test('of an unknown profile, site, asset or gateway says which', async () => {
    const faults = [{ profileId: 'nope' }, { siteId: 'nope' }, { assetId: 'nope' }, { gatewayId: 'nope' }]
    for (const fault of faults) {
      const { status, body } = await api.post('/api/v1/devices', { id: 'x', profileId: 'meter-1ph', ...fault })
      expect(status).toBe(422)
      expect(body.errors).toMatchObject([{ field: Object.keys(fault)[0] }])
    }
  })
})

describe('a device', () => {
  test('shows its presence', async () => {
    await api.post('/api/v1/devices', { id: 'seen', profileId: 'meter-1ph' })
    const unseen = { online: false, lastSeen: null, sessions: 0, connectsLastHour: 0, flapping: false, info: {} }
    expect((await api.get('/api/v1/devices/seen')).body.presence).toEqual(unseen)
    api.fake.presences.set(parseDeviceId('seen'), {
      online: true,
      lastSeenMs: startMs,
      sessions: 1,
      connectsLastHour: 12,
      flapping: true,
      info: { firmware: '1.4.2' },
    })
    const presence = { online: true, lastSeen: '2026-11-23T10:00:00.000Z', flapping: true, info: { firmware: '1.4.2' } }
    expect((await api.get('/api/v1/devices/seen')).body.presence).toMatchObject(presence)
    const listed = (await api.get('/api/v1/devices')).body.items.find(({ id }: { id: string }) => id === 'seen')
    expect(listed.presence).toMatchObject(presence)
  })

  test('is changed field by field, and the log hears of it', async () => {
    await api.post('/api/v1/devices', { id: 'patched', profileId: 'meter-1ph', tags: ['a'] })
    const patch = { name: 'Roof', attributes: { floor: 3, lit: true }, limits: { messagesPerS: 5 } }
    const { status, body } = await api.request('PATCH', '/api/v1/devices/patched', { body: patch })
    expect(status).toBe(200)
    expect(body).toMatchObject({ ...patch, tags: ['a'], profileId: 'meter-1ph' })
    expect(JSON.parse(lastControl()?.payload ?? '')).toMatchObject(patch)
    expect(await lastAudit()).toMatchObject({
      action: 'device.update',
      before: { name: 'patched' },
      after: { name: 'Roof' },
    })
  })

  test('that is deleted is gone, and an empty control frame says so', async () => {
    const { body } = await api.post('/api/v1/devices', { id: 'gone', profileId: 'meter-1ph' })
    expect((await api.request('DELETE', '/api/v1/devices/gone')).status).toBe(204)
    expect((await api.get('/api/v1/devices/gone')).status).toBe(404)
    expect((await api.request('DELETE', '/api/v1/devices/gone')).status).toBe(404)
    expect(lastControl()).toEqual({ topic: 'device/gone', payload: '' })
    expect(await api.state.credentials.verify(body.token)).toBeUndefined()
  })

  test('changes its token by way of a second one', async () => {
    const first = (await api.post('/api/v1/devices', { id: 'rotating', profileId: 'meter-1ph' })).body
    const second = (await api.request('POST', '/api/v1/devices/rotating/tokens')).body
    expect((await api.request('POST', '/api/v1/devices/rotating/tokens')).status).toBe(409)
    const listed = (await api.get('/api/v1/devices/rotating/tokens')).body.items
    expect(listed.map(({ id }: { id: string }) => id).sort()).toEqual([first.tokenId, second.id].sort())
    expect(JSON.stringify(listed)).not.toContain(second.token)

    expect((await api.request('DELETE', `/api/v1/devices/rotating/tokens/${first.tokenId}`)).status).toBe(204)
    expect(lastControl()?.topic).toBe('credential/rotating')
    expect(JSON.parse(lastControl()?.payload ?? '')).toEqual({
      principal: 'rotating',
      ends: [{ secretId: first.tokenId, endsMs: startMs }],
    })
    expect(await api.state.credentials.verify(first.token)).toBeUndefined()
    expect(await api.state.credentials.verify(second.token)).toMatchObject({ deviceId: 'rotating' })
    expect((await api.request('DELETE', `/api/v1/devices/rotating/tokens/${first.tokenId}`)).status).toBe(404)
  })
})

describe('the token of a device', () => {
  const rotate = (id: string, overlapS: number) => api.post(`/api/v1/devices/${id}/tokens/rotate`, { overlapS })
  const tokensOf = async (id: string) => (await api.get(`/api/v1/devices/${id}/tokens`)).body.items

  test('is replaced at once, and the old one ends by itself', async () => {
    const first = (await api.post('/api/v1/devices', { id: 'overlapping', profileId: 'meter-1ph' })).body
    api.clock.nowMs = startMs + 1_000
    const { status, body: second } = await rotate('overlapping', 60)
    expect(status).toBe(201)
    const end = '2026-11-23T10:01:01.000Z'
    expect(await tokensOf('overlapping')).toMatchObject([
      { id: first.tokenId, expiresAt: end },
      { id: second.id, expiresAt: null },
    ])
    expect(JSON.parse(lastControl()?.payload ?? '').ends).toEqual([
      { secretId: first.tokenId, endsMs: startMs + 61_000 },
    ])
    expect(await lastAudit()).toMatchObject({ action: 'device-token.rotate', resourceId: second.id, siteId: 'main' })
    expect(await api.state.credentials.verify(first.token)).toMatchObject({ goodUntilMs: startMs + 61_000 })
    expect((await rotate('overlapping', 60)).body.errors).toMatchObject([{ field: 'overlapS' }])
    api.clock.nowMs = startMs + 61_000
    expect(await api.state.credentials.verify(first.token)).toBeUndefined()
    expect(await tokensOf('overlapping')).toMatchObject([{ id: second.id }])
    expect((await rotate('overlapping', 60)).status).toBe(201)
    api.clock.nowMs = startMs
  })

  test('is replaced without overlap, which ends all that were there', async () => {
    const first = (await api.post('/api/v1/devices', { id: 'leaked', profileId: 'meter-1ph' })).body
    const second = (await rotate('leaked', 3_600)).body
    const third = (await rotate('leaked', 0)).body
    expect(await tokensOf('leaked')).toMatchObject([{ id: third.id }])
    for (const { token } of [first, second]) expect(await api.state.credentials.verify(token)).toBeUndefined()
    expect(await api.state.credentials.verify(third.token)).toMatchObject({ deviceId: 'leaked', goodUntilMs: null })
  })

  test('overlaps for a day when nothing is said, and for a month at most', async () => {
    await api.post('/api/v1/devices', { id: 'daily', profileId: 'meter-1ph' })
    expect((await rotate('daily', 2_592_001)).status).toBe(422)
    expect((await rotate('daily', -1)).status).toBe(422)
    expect((await api.request('POST', '/api/v1/devices/daily/tokens/rotate')).status).toBe(201)
    const ends = (await tokensOf('daily')).map(({ expiresAt }: { expiresAt: string | null }) => expiresAt)
    expect(ends.toSorted()).toEqual(['2026-11-24T10:00:00.000Z', null])
  })

  test('shows when it was last used', async () => {
    const { body } = await api.post('/api/v1/devices', { id: 'used', profileId: 'meter-1ph' })
    expect(await tokensOf('used')).toMatchObject([{ lastUsedAt: null }])
    await api.state.credentialUses.record([{ secretId: body.tokenId, usedMs: startMs }])
    expect(await tokensOf('used')).toMatchObject([{ lastUsedAt: '2026-11-23T10:00:00.000Z' }])
  })
})

describe('quarantine', () => {
  const path = '/api/v1/devices/sick/quarantine'

  test('is in the device, in the log and in the audit, and ends', async () => {
    await api.post('/api/v1/devices', { id: 'sick', profileId: 'meter-1ph' })
    expect((await api.get('/api/v1/devices/sick')).body.quarantine).toBeNull()
    const { status, body } = await api.post(path, { reason: 'It floods' })
    const quarantine = { reason: 'It floods', since: '2026-11-23T10:00:00.000Z', by: expect.any(String) }
    expect([status, body.quarantine]).toEqual([200, quarantine])
    expect(lastControl()?.topic).toBe('device/sick')
    expect(JSON.parse(lastControl()?.payload ?? '').quarantine).toMatchObject({ reason: 'It floods', sinceMs: startMs })
    const audited = async () => (await api.get('/api/v1/audit?resourceId=sick&limit=1')).body.items[0]
    expect(await audited()).toMatchObject({ action: 'device.quarantine', siteId: 'main' })
    expect((await api.post(path, { reason: 'again' })).status).toBe(409)
    const listed = (await api.get('/api/v1/devices?quarantined=true')).body.items
    expect(listed).toMatchObject([{ id: 'sick', quarantine }])

    expect((await api.request('DELETE', path)).status).toBe(204)
    expect(await audited()).toMatchObject({
      action: 'device.release',
      before: { quarantine: { reason: 'It floods' } },
    })
    expect((await api.request('DELETE', path)).status).toBe(409)
    expect((await api.get('/api/v1/devices/sick')).body.quarantine).toBeNull()
    expect((await api.get('/api/v1/devices?quarantined=true')).body.items).toEqual([])
  })

  test('wants a reason, and is not for the platform itself', async () => {
    for (const wrong of [{}, { reason: '' }, { reason: ' ' }, { reason: 'x', sinceMs: 1 }])
      expect((await api.post(path, wrong)).status).toBe(422)
    expect((await api.post('/api/v1/devices/platform/quarantine', { reason: 'x' })).status).toBe(409)
  })

  test('is not for a PATCH', async () => {
    const body = { quarantine: { reason: 'x' } }
    expect((await api.request('PATCH', '/api/v1/devices/sick', { body })).status).toBe(422)
  })
})

describe('the connections of a device', () => {
  const open = {
    id: 7,
    clientId: 'roof',
    address: '10.0.0.7',
    sinceMs: startMs,
    transport: 'tls',
    protocol: '3.1.1',
    cleanSession: true,
    keepAliveS: 60,
    secretId: 'abc',
  } as const

  test('are listed, and one is ended', async () => {
    await api.post('/api/v1/devices', { id: 'connected', profileId: 'meter-1ph' })
    const path = '/api/v1/devices/connected/connections'
    expect((await api.get(path)).body.items).toEqual([])
    api.fake.connections.set('connected', [open, { ...open, id: 8, address: undefined }])
    const { sinceMs: _, secretId: tokenId, ...shown } = open
    const items = [{ ...shown, id: '7', since: '2026-11-23T10:00:00.000Z', tokenId, certificate: null }]
    expect((await api.get(path)).body.items).toEqual([...items, { ...items[0], id: '8', address: null }])
    expect((await api.request('DELETE', `${path}/8`)).status).toBe(204)
    expect((await api.request('DELETE', `${path}/8`)).status).toBe(404)
    expect((await api.request('DELETE', `${path}/first`)).status).toBe(400)
    expect((await api.get(path)).body.items).toEqual(items)
  })
})

describe('the client certificates of a device', () => {
  const path = '/api/v1/devices/certified/revoked-certificates'
  const fingerprint = 'ab'.repeat(32)
  const printed = (fingerprint.match(/../g) ?? []).join(':').toUpperCase()

  test('are revoked by fingerprint, which the log hears of, and may be good again', async () => {
    await api.post('/api/v1/devices', { id: 'certified', profileId: 'meter-1ph' })
    expect((await api.get(path)).body.items).toEqual([])
    const revoked = await api.post(path, { fingerprint: printed })
    expect([revoked.status, revoked.body]).toEqual([201, { fingerprint, revokedAt: '2026-11-23T10:00:00.000Z' }])
    expect(JSON.parse(lastControl()?.payload ?? '')).toEqual({
      principal: 'certified',
      ends: [{ secretId: `certificate:${fingerprint}`, endsMs: startMs }],
    })
    expect((await api.post(path, { fingerprint })).status).toBe(409)
    expect((await api.get(path)).body.items).toEqual([revoked.body])
    expect(await api.state.credentials.isCertificateRevoked(parseDeviceId('certified'), fingerprint)).toBe(true)
    expect((await api.request('DELETE', `${path}/${printed}`)).status).toBe(204)
    expect((await api.request('DELETE', `${path}/${fingerprint}`)).status).toBe(404)
    expect(await api.state.credentials.isCertificateRevoked(parseDeviceId('certified'), fingerprint)).toBe(false)
    await api.post(path, { fingerprint })
    expect((await api.request('DELETE', '/api/v1/devices/certified')).status).toBe(204)
  })

  test('have a fingerprint of 64 digits', async () => {
    await api.post('/api/v1/devices', { id: 'certified', profileId: 'meter-1ph' })
    for (const wrong of ['', 'ab', 'g'.repeat(64), `${fingerprint}ab`, ':'.repeat(64)])
      expect((await api.post(path, { fingerprint: wrong })).status).toBe(422)
  })
})

describe('the list of devices', () => {
  test('is paged by id, without gap or repetition, and each page keeps its filter', async () => {
    await api.post('/api/v1/profiles', { id: 'paged', name: 'Paged', reportingIntervalMs: 1_000, metrics: [] })
    const ids = Array.from({ length: 7 }, (_, i) => `page-${i}`)
    for (const id of ids) await api.post('/api/v1/devices', { id, profileId: 'paged' })
    const seen: string[] = []
    let cursor = ''
    do {
      const { body } = await api.get(`/api/v1/devices?profileId=paged&limit=3${cursor && `&cursor=${cursor}`}`)
      expect(body.items.length).toBeLessThanOrEqual(3)
      seen.push(...body.items.map(({ id }: { id: string }) => id))
      cursor = body.nextCursor
    } while (cursor)
    expect(seen).toEqual(ids)
  })

  test('can be narrowed to a site, an asset or a gateway', async () => {
    await api.post('/api/v1/devices', { id: 'gateway', profileId: 'meter-1ph' })
    await api.post('/api/v1/devices', { id: 'behind', profileId: 'meter-1ph', gatewayId: 'gateway' })
    const ids = async (query: string) =>
      (await api.get(`/api/v1/devices?${query}`)).body.items.map(({ id }: { id: string }) => id)
    expect(await ids('gatewayId=gateway')).toEqual(['behind'])
    expect(await ids('assetId=plant-panel')).toEqual(['on-panel'])
    expect(await ids('siteId=plant')).toEqual(['on-panel'])
    expect(await ids('siteId=nowhere')).toEqual([])
  })
})

describe('a key that is limited to a site', () => {
  test("finds the devices of its site only, and another's are as if they did not exist", async () => {
    await api.post('/api/v1/sites', { id: 'shop', name: 'Shop', timeZone: 'Asia/Jakarta', currency: 'IDR' })
    await api.post('/api/v1/devices', { id: 'shop-meter', profileId: 'meter-1ph', siteId: 'shop' })
    await api.measure('meter-1', 'voltage', [[startMs, 230]])
    const key = await api.issueKey({ role: 'admin', sites: [parseSiteId('shop')] })
    const { body } = await api.get('/api/v1/devices', { key })
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual(['shop-meter'])
    const others = [
      ['GET', '/api/v1/devices/meter-1'],
      ['GET', '/api/v1/devices/meter-1/latest'],
      ['GET', '/api/v1/devices/meter-1/series'],
      ['GET', '/api/v1/devices/meter-1/readings?metric=voltage'],
      ['GET', '/api/v1/devices/meter-1/tokens'],
      ['POST', '/api/v1/devices/meter-1/tokens'],
      ['POST', '/api/v1/devices/meter-1/tokens/rotate'],
      ['GET', '/api/v1/devices/meter-1/connections'],
      ['DELETE', '/api/v1/devices/meter-1/connections/1'],
      ['DELETE', '/api/v1/devices/meter-1/quarantine'],
      ['GET', '/api/v1/devices/meter-1/revoked-certificates'],
      ['DELETE', '/api/v1/devices/meter-1'],
      ['GET', '/api/v1/sites/main'],
      ['GET', '/api/v1/assets/plant-panel'],
      ['DELETE', '/api/v1/assets/plant-panel'],
    ] as const
    for (const [method, path] of others) expect((await api.request(method, path, { key })).status).toBe(404)
    expect((await api.request('PATCH', '/api/v1/devices/meter-1', { key, body: { name: 'x' } })).status).toBe(404)
    expect((await api.get('/api/v1/devices/shop-meter', { key })).status).toBe(200)
    expect((await api.get('/api/v1/sites', { key })).body.items).toMatchObject([{ id: 'shop' }])
  })

  test('creates devices there, and nowhere else', async () => {
    const key = await api.issueKey({ role: 'admin', sites: [parseSiteId('shop')] })
    const device = { id: 'shop-2', profileId: 'meter-1ph' }
    expect((await api.post('/api/v1/devices', { ...device, siteId: 'main' }, { key })).status).toBe(422)
    expect((await api.post('/api/v1/devices', { ...device, assetId: 'plant-panel' }, { key })).status).toBe(422)
    expect((await api.post('/api/v1/devices', device, { key })).body).toMatchObject({ siteId: 'shop' })
    const move = { siteId: 'main' }
    expect((await api.request('PATCH', '/api/v1/devices/shop-2', { key, body: move })).status).toBe(422)
    expect((await api.get('/api/v1/devices/shop-2')).body.siteId).toBe('shop')
  })
})
