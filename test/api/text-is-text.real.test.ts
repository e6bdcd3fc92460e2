import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Harness, startApi, startMs } from './harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startApi()
  await api.post('/api/v1/devices', { id: 'm', profileId: 'meter-1ph' })
  await api.measure('m', 'voltage', [[startMs, 230]])
})
afterAll(() => api.stop())

/** What would mean something to a database, a page, a template, a shell, a spreadsheet or a log. */
const meaningful = [
  "x'; DROP TABLE devices; --",
  "' OR '1'='1",
  '" UNION SELECT hash FROM credentials --',
  '%_',
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what is tried.
  '${7*7}{{7*7}}<%= 7*7 %>#{7*7}',
  '$(touch /tmp/x) `id` | id && id',
  '=cmd|"/c calc"!A1',
  '%s%n%x %25%73 %2e%2e%2f',
  '../../../etc/passwd',
  'javascript:alert(1)',
  '{"__proto__":{"role":"admin"}}',
  '(a+)+$^[',
]

describe('text that means something elsewhere is text here:', () => {
  test.each(meaningful)('%s', async (text) => {
    const id = `t${meaningful.indexOf(text)}`
    const device = { id, profileId: 'meter-1ph', name: text, attributes: { note: text } }
    const created = await api.post('/api/v1/devices', device)
    expect(created).toMatchObject({ status: 201, body: { name: text, attributes: { note: text } } })
    const { headers, body } = await api.get(`/api/v1/devices/${id}`)
    expect(body).toMatchObject({ name: text, attributes: { note: text } })
    expect(headers.get('content-type')).toMatch(/^application\/json/)
    const audit = await api.get(`/api/v1/audit?resourceType=device&resourceId=${id}`)
    expect(audit.body.items[0].after).toMatchObject({ name: text })
  })

  test.each(meaningful)('as a filter: %s', async (text) => {
    const value = encodeURIComponent(text)
    const filters = ['devices?siteId', 'audit?principalId', 'rejected?device', 'notifications?alertId', 'rules?siteId']
    for (const filter of filters) {
      const { status, body } = await api.get(`/api/v1/${filter}=${value}`)
      // No thing can have that name, or none has.
      expect([filter, status === 400 || (status === 200 && body.items.length === 0)]).toEqual([filter, true])
    }
    const readings = await api.get(`/api/v1/devices/m/readings?metric=${value}`)
    expect([400, 404]).toContain(readings.status)
  })

  test('nothing was lost, changed or logged by any of it', async () => {
    const { body } = await api.get('/api/v1/devices/m/readings?metric=voltage&from=0')
    expect(body.items).toMatchObject([{ value: 230 }])
    expect((await api.get('/api/v1/keys')).body.items).toMatchObject([{ name: 'admin', role: 'admin' }])
    expect(Object.prototype).not.toHaveProperty('role')
    expect(api.logged).toEqual([])
  })
})

describe('nothing is served but what is a route:', () => {
  test.each([
    '/.git/config',
    '/.git/',
    '/.env',
    '/package.json',
    '/package-lock.json',
    '/data/state.sqlite',
    '/state.sqlite',
    '/secret.key',
    '/api/',
    '/api/v1/',
    '/live/',
    '/live/page.html',
    '/docs/',
    '/docs/page.html',
    '/node_modules/hono/package.json',
    '/debug',
    '/debug/pprof/',
    '/server-status',
    '/actuator/env',
    '/swagger-ui/',
    '/graphql',
    '/console',
  ])('%s', async (path) => {
    const { status, body } = await api.get(path)
    expect([status, body.code]).toEqual([404, 'not_found'])
  })
})
