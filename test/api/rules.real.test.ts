import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseSiteId } from '../../model/index.ts'
import { type Harness, startApi } from './harness.ts'

let api: Harness
let north: string
beforeAll(async () => {
  api = await startApi()
  await api.post('/api/v1/sites', { id: 'north', name: 'North', timeZone: 'UTC', currency: 'EUR' })
  await api.post('/api/v1/devices', { id: 'm', profileId: 'meter-1ph' })
  await api.post('/api/v1/devices', { id: 'n', profileId: 'meter-1ph', siteId: 'north' })
  north = await api.issueKey({ role: 'admin', sites: [parseSiteId('north')] })
})
afterAll(() => api.stop())

const condition = { metric: 'voltage', op: '>', levels: [{ severity: 'warning', value: 253, clear: 250 }] }
const high = { id: 'high', name: 'High', appliesTo: { profile: 'meter-1ph' }, condition, forMs: 60_000 }
const patch = (path: string, body: unknown, key?: string) => api.request('PATCH', path, { body, ...(key && { key }) })
const ids = (body: { items: { id: string }[] }) => body.items.map(({ id }) => id)

describe('rules', () => {
  test('are created as version 1 and go to the log', async () => {
    const created = await api.post('/api/v1/rules', high)
    const whole = { ...high, version: 1, enabled: true, keepFiringForMs: 0 }
    expect([created.status, created.body, created.headers.get('location')]).toEqual([201, whole, '/api/v1/rules/high'])
    expect(api.fake.controls.at(-1)).toMatchObject({ topic: 'rule/high' })
    expect(JSON.parse(api.fake.controls.at(-1)?.payload ?? '')).toEqual(whole)
    expect((await api.get('/api/v1/rules/high')).body).toEqual(whole)
  })

  test('get an id where they bring none', async () => {
    const { id: _, ...nameless } = high
    const { status, body } = await api.post('/api/v1/rules', { ...nameless, appliesTo: { site: 'main' } })
    expect([status, body.id]).toEqual([201, expect.stringMatching(/^[a-z2-7]{12}$/)])
    expect((await api.request('DELETE', `/api/v1/rules/${body.id}`)).status).toBe(204)
    expect((await api.get(`/api/v1/rules/${body.id}`)).status).toBe(404)
  })

  test('watch for silence too', async () => {
    const silent = { id: 'silent', name: 'Silent', condition: { noData: { intervals: 3, severity: 'warning' } } }
    const { status, body } = await api.post('/api/v1/rules', { ...silent, appliesTo: { device: 'm' } })
    expect([status, body.forMs]).toEqual([201, 0])
  })

  test('have a version for every change, and each can be brought back', async () => {
    expect((await patch('/api/v1/rules/high', { enabled: false })).body).toMatchObject({ version: 2, enabled: false })
    expect((await patch('/api/v1/rules/high', { enabled: false })).body.version).toBe(2)
    expect((await api.post('/api/v1/rules/high/restore', { version: 1 })).body).toMatchObject({
      version: 3,
      enabled: true,
    })
    expect((await api.post('/api/v1/rules/high/restore', { version: 9 })).status).toBe(404)
    const versions: { rule: { version: number } }[] = []
    let cursor = ''
    do {
      const { body } = await api.get(`/api/v1/rules/high/versions?limit=1${cursor && `&cursor=${cursor}`}`)
      versions.push(...body.items)
      cursor = body.nextCursor
    } while (cursor)
    expect(versions.map(({ rule }) => rule.version)).toEqual([3, 2, 1])
    expect(versions[0]).toMatchObject({ createdAt: '2026-11-23T10:00:00.000Z', createdBy: expect.any(String) })
  })

  test('are listed by what they apply to', async () => {
    await api.post('/api/v1/rules', { ...high, id: 'of-north', appliesTo: { site: 'north' } })
    expect(ids((await api.get('/api/v1/rules')).body)).toEqual(['high', 'of-north', 'silent'])
    expect(ids((await api.get('/api/v1/rules?deviceId=m')).body)).toEqual(['silent'])
    expect(ids((await api.get('/api/v1/rules?profileId=meter-1ph')).body)).toEqual(['high'])
    expect(ids((await api.get('/api/v1/rules?siteId=north')).body)).toEqual(['of-north'])
  })
})

describe('an admin of one site', () => {
  test('sees the rules of the site and of every profile', async () => {
    expect(ids((await api.get('/api/v1/rules', { key: north })).body)).toEqual(['high', 'of-north'])
    expect((await api.get('/api/v1/rules/silent', { key: north })).status).toBe(404)
    expect((await api.get('/api/v1/rules/high/versions', { key: north })).status).toBe(200)
  })

  test('makes and changes rules of the site and of its devices, and no other', async () => {
    const make = async (appliesTo: unknown) => {
      const { status, body } = await api.post('/api/v1/rules', { ...high, id: 'mine', appliesTo }, { key: north })
      return [status, ...(body.errors ?? []).map(({ field }: { field: string }) => field)]
    }
    expect(await make({ profile: 'meter-1ph' })).toEqual([403])
    expect(await make({ site: 'main' })).toEqual([422, 'appliesTo.site'])
    expect(await make({ device: 'm' })).toEqual([422, 'appliesTo.device'])
    expect(await make({ device: 'n' })).toEqual([201])
    expect((await patch('/api/v1/rules/mine', { name: 'Mine' }, north)).status).toBe(200)
    expect((await patch('/api/v1/rules/mine', { appliesTo: { site: 'main' } }, north)).status).toBe(422)
    expect((await patch('/api/v1/rules/high', { name: 'Mine' }, north)).status).toBe(403)
    expect((await patch('/api/v1/rules/silent', { name: 'Mine' }, north)).status).toBe(404)
    expect((await api.request('DELETE', '/api/v1/rules/high', { key: north })).status).toBe(403)
    expect((await api.request('DELETE', '/api/v1/rules/mine', { key: north })).status).toBe(204)
  })
})

describe('a rule that cannot mean anything', () => {
  const levels = (...all: unknown[]) => ({ condition: { ...condition, levels: all } })
  const warning = { severity: 'warning', value: 253 }
  const silence = { noData: { intervals: 3, severity: 'warning' } }
  test.each<[string, object, string[]]>([
    ['without a condition', { condition: undefined }, ['condition']],
    ['of no form', { condition: {} }, ['condition.noData']],
    ['of a metric that nobody has', { condition: { ...condition, metric: 'volts' } }, ['condition.metric']],
    ['of two forms', { condition: { ...condition, ...silence } }, ['condition.noData']],
    ['of a severity that is none', levels({ ...warning, severity: 'bad' }), ['condition.levels.0.severity']],
    ['without levels', levels(), ['condition.levels']],
    ['that clears beyond its limit', levels({ ...warning, clear: 260 }), ['condition.levels.0.clear']],
    ['of one severity twice', levels(warning, warning), ['condition.levels.1.severity']],
    [
      'whose severer level lies inside',
      levels(warning, { severity: 'critical', value: 240 }),
      ['condition.levels.1.value'],
    ],
    ['of no number', levels({ ...warning, value: '253' }), ['condition.levels.0.value']],
    ['of too long a time', { forMs: 91 * 86_400_000 }, ['forMs']],
    ['of half a millisecond', { forMs: 0.5 }, ['forMs']],
    ['of silence that lasts twice', { condition: silence }, ['forMs']],
    [
      'of silence of no interval',
      { condition: { noData: { ...silence.noData, intervals: 0 } }, forMs: 0 },
      ['condition.noData.intervals'],
    ],
    ['for nothing', { appliesTo: {} }, ['appliesTo']],
    ['for two things', { appliesTo: { device: 'm', site: 'main' } }, ['appliesTo']],
    ['for a device that is unknown', { appliesTo: { device: 'nobody' } }, ['appliesTo.device']],
    ['for a profile that is unknown', { appliesTo: { profile: 'nothing' } }, ['appliesTo.profile']],
    ['of a name that a header could not carry', { name: 'a\r\nBcc: b@example.org' }, ['name']],
    ['of an unknown field', { colour: 'red' }, ['colour']],
  ])('%s is refused with its field', async (_, more, fields) => {
    const { status, body } = await api.post('/api/v1/rules', { ...high, id: 'wrong', ...more })
    expect([status, body.errors?.map(({ field }: { field: string }) => field)]).toEqual([422, fields])
    expect((await api.get('/api/v1/rules/wrong')).status).toBe(404)
  })

  test('is not made by a change either', async () => {
    const { status, body } = await patch('/api/v1/rules/silent', { forMs: 1_000 })
    expect([status, body.errors]).toMatchObject([422, [{ field: 'forMs' }]])
    expect((await patch('/api/v1/rules/high', { appliesTo: { profile: 'weather-station' } })).status).toBe(422)
  })
})

test('a metric that a device has sent may be watched before its profile knows it', async () => {
  await api.measure('m', 'gas', [[1, 4.5]])
  const gas = { ...high, id: 'gas', condition: { ...condition, metric: 'gas' } }
  expect((await api.post('/api/v1/rules', { ...gas, appliesTo: { device: 'm' } })).status).toBe(201)
  expect((await api.post('/api/v1/rules', { ...gas, id: 'gas-2', appliesTo: { device: 'n' } })).status).toBe(422)
})
