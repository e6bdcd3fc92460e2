import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../model/index.ts'
import { type Harness, startApi } from './harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startApi()
})
beforeEach(() => {
  api.fake.appendError = undefined
})
afterAll(() => api.stop())

const named = (key: string) => ({ headers: { 'idempotency-key': key } })
const device = (id: string) => ({ id, profileId: 'meter-1ph' })
const made = async (id: string) =>
  (await api.get(`/api/v1/audit?resourceType=device&resourceId=${id}`)).body.items.map(
    ({ action }: { action: string }) => action,
  )

describe('a write with an Idempotency-Key', () => {
  test('that is sent again has no second effect, and the same answer with its secret', async () => {
    const first = await api.post('/api/v1/devices', device('one'), named('make-one'))
    const second = await api.post('/api/v1/devices', device('one'), named('"make-one"'))
    expect([first.status, second.status]).toEqual([201, 201])
    expect(second.body).toEqual(first.body)
    expect(second.body.token).toMatch(/^pel_dev_/)
    expect(second.headers.get('location')).toBe('/api/v1/devices/one')
    expect([first, second].map(({ headers }) => headers.get('idempotency-replayed'))).toEqual([null, 'true'])
    expect(second.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'))
    expect(await made('one')).toEqual(['device.create'])
    expect((await api.get('/api/v1/devices/one/tokens')).body.items).toHaveLength(1)
  })

  test('that removes or changes something does so once', async () => {
    await api.post('/api/v1/devices', device('two'))
    const path = '/api/v1/devices/two'
    for (let i = 0; i < 2; i++) {
      const { status, body } = await api.request('PATCH', path, { body: { name: 'Two' }, ...named('rename') })
      expect([status, body.name]).toEqual([200, 'Two'])
    }
    for (let i = 0; i < 2; i++) expect((await api.request('DELETE', path, named('remove'))).status).toBe(204)
    expect(await made('two')).toEqual(['device.remove', 'device.update', 'device.create'])
  })

  test.each([
    ['another body', 'POST', '/api/v1/devices', { body: device('other') }],
    ['another path', 'POST', '/api/v1/sites', { body: device('three') }],
    ['another method', 'DELETE', '/api/v1/devices/three', {}],
  ])('belongs to one request, and not to one with %s', async (what, method, path, options) => {
    const key = `of-${what.replaceAll(' ', '-')}`
    expect((await api.post('/api/v1/devices', device(key), named(key))).status).toBe(201)
    const { status, body } = await api.request(method, path, { ...options, ...named(key) })
    expect([status, body.code]).toEqual([422, 'idempotency_key_reused'])
  })

  test('of another principal is another', async () => {
    const other = await api.issueKey({ role: 'admin' })
    expect((await api.post('/api/v1/devices', device('four'), named('shared'))).status).toBe(201)
    const options = { key: other, ...named('shared') }
    expect((await api.post('/api/v1/devices', device('five'), options)).status).toBe(201)
  })

  test('that was refused had no effect, and is judged anew', async () => {
    const site = { id: 'six', name: 'S', timeZone: 'UTC', currency: 'EUR' }
    const six = { ...device('six'), siteId: 'six' }
    expect((await api.post('/api/v1/devices', six, named('late-site'))).status).toBe(422)
    await api.post('/api/v1/sites', site)
    expect((await api.post('/api/v1/devices', six, named('late-site'))).status).toBe(201)
  })

  test('is asked who sends it each time', async () => {
    const { body } = await api.post('/api/v1/keys', { name: 'passing', role: 'admin' })
    const options = { key: body.key, ...named('seven') }
    expect((await api.post('/api/v1/devices', device('seven'), options)).status).toBe(201)
    await api.request('DELETE', `/api/v1/keys/${body.id}`)
    expect((await api.post('/api/v1/devices', device('seven'), options)).status).toBe(401)
  })

  test('shows nothing of a site that its sender may not see any more', async () => {
    const { person, cookie } = await api.signIn({ role: 'admin' })
    await api.addPerson({ role: 'admin' })
    const send = () => api.post('/api/v1/devices', device('limited'), { cookie, ...named('before-the-limit') })
    expect((await send()).status).toBe(201)
    await api.post('/api/v1/sites', { id: 'elsewhere', name: 'Elsewhere', timeZone: 'UTC', currency: 'USD' })
    expect((await api.request('PATCH', `/api/v1/people/${person.id}`, { body: { sites: ['elsewhere'] } })).status).toBe(
      200,
    )
    const { status, body } = await send()
    expect([status, body.token]).toEqual([422, undefined])
  })

  test('that comes many times at once has one effect', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => api.post('/api/v1/devices', device('crowd'), named('crowd'))),
    )
    const statuses = new Set(answers.map(({ status }) => status))
    expect(statuses.has(201)).toBe(true)
    expect([...statuses].filter((status) => status !== 201 && status !== 409)).toEqual([])
    expect(new Set(answers.flatMap(({ status, body }) => (status === 201 ? [body.token] : []))).size).toBe(1)
    expect(await made('crowd')).toEqual(['device.create'])
  })

  test('whose answer was lost after its change gets it, with the secret, and no second effect', async () => {
    api.fake.appendError = new AppError('log_full', 'append failed: no room', { retryable: true })
    const lost = await api.post('/api/v1/devices', device('lost'), named('lost'))
    expect([lost.status, lost.body.detail]).toEqual([503, expect.stringContaining('the change is stored')])
    expect((await api.post('/api/v1/devices', device('lost'), named('lost'))).status).toBe(503)
    api.fake.appendError = undefined
    const found = await api.post('/api/v1/devices', device('lost'), named('lost'))
    expect([found.status, found.headers.get('idempotency-replayed')]).toEqual([201, 'true'])
    expect(await api.state.credentials.verify(found.body.token)).toMatchObject({ deviceId: 'lost' })
    expect((await api.post('/api/v1/devices', device('lost'), named('lost'))).body).toEqual(found.body)
    expect(await made('lost')).toEqual(['device.create'])
  })

  test('is free again after a day', async () => {
    await api.post('/api/v1/devices', device('old'), named('daily'))
    api.clock.nowMs += 86_400_000
    expect((await api.post('/api/v1/devices', device('new'), named('daily'))).status).toBe(201)
  })

  test('means nothing to a read, and is refused when it is none', async () => {
    expect((await api.get('/api/v1/sites', named('crowd'))).status).toBe(200)
    const { status, body } = await api.post('/api/v1/devices', device('none'), named('two words'))
    expect([status, body.errors[0].field]).toEqual([400, 'Idempotency-Key'])
  })
})
