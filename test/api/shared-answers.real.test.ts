import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCachedAnswers } from '../../api/cached-answers.ts'
import { parseDeviceId, parseSiteId } from '../../model/index.ts'
import { createMemoryCache } from '../../store/cache/index.ts'
import { platformActor } from '../../store/state/index.ts'
import { createWorld, type Ids, ruleOf, secretOf, siteOf, type World } from './access/world.ts'
import { type Answer, type Harness, startApi } from './harness.ts'

let api: Harness
let world: World
let here: Ids
beforeAll(async () => {
  api = await startApi({ publicUrl: 'http://pelbiot.example.com' })
  world = await createWorld(api)
  here = await world.furnish('here')
  await world.furnish('there')
})
afterAll(() => api.stop())

const get = (path: string, key: string) => api.get(`/api/v1${path}`, { key })
const cacheOf = ({ headers }: Answer) => headers.get('x-cache')
const textOf = ({ body }: Answer) => JSON.stringify(body)

const lists = ['/sites', '/assets', '/rules', '/alerts']

test.each(lists)('%s: whoever came before, each gets what is of their own sites', async (path) => {
  const ofHere = await api.issueKey({ role: 'viewer', sites: [siteOf('here')] })
  const ofThere = await api.issueKey({ role: 'viewer', sites: [siteOf('there')] })
  const ofAll = await api.issueKey({ role: 'viewer' })
  for (let times = 0; times < 2; times++)
    for (const [key, sees] of [
      [ofHere, [true, false]],
      [ofThere, [false, true]],
      [ofAll, [true, true]],
      [api.adminKey, [true, true]],
      [ofHere, [true, false]],
    ] as const) {
      const answer = await get(path, key)
      expect([secretOf('here'), secretOf('there')].map((secret) => textOf(answer).includes(secret))).toEqual(sees)
      if (times > 0) expect(cacheOf(answer)).toBe('hit')
    }
})

test('those who may see the same share an answer, keys and people', async () => {
  const [one, two] = [await api.issueKey({ role: 'viewer' }), await api.issueKey({ role: 'viewer' })]
  await api.request('PATCH', '/api/v1/sites/main', { body: { name: 'Shared' } })
  expect(cacheOf(await get('/sites', one))).toBe('miss')
  expect(cacheOf(await get('/sites', two))).toBe('hit')
  const { cookie } = await api.signIn({ role: 'viewer' })
  expect(cacheOf(await api.get('/api/v1/sites', { cookie }))).toBe('hit')
})

test('a key narrowed to other scopes gets nothing of what is kept for others', async () => {
  const wide = await api.issueKey({ role: 'admin' })
  const narrow = await api.issueKey({ role: 'admin', scopes: ['alerts:read'] })
  const path = `/rules/${here.rule}/versions`
  expect((await get(path, wide)).status).toBe(200)
  expect(cacheOf(await get(path, wide))).toBe('hit')
  const refused = await get(path, narrow)
  expect([refused.status, cacheOf(refused), textOf(refused).includes(secretOf('here'))]).toEqual([403, null, false])
  expect((await api.get(`/api/v1${path}`, { key: null })).status).toBe(401)
})

test('a person who loses a site, or the role, loses what was kept with it at once', async () => {
  const { person, cookie } = await api.signIn({ role: 'viewer', sites: [siteOf('here'), siteOf('there')] })
  const path = `/api/v1/rules/${here.rule}/versions`
  const see = () => api.get(path, { cookie })
  expect((await see()).status).toBe(200)
  expect(cacheOf(await see())).toBe('hit')
  const { headers } = await see()
  await api.request('PATCH', `/api/v1/people/${person.id}`, { body: { sites: [siteOf('there')] } })
  expect((await see()).status).toBe(404)
  // Not even that it is still what it was.
  const known = { 'if-none-match': headers.get('etag') ?? '' }
  expect((await api.get(path, { cookie, headers: known })).status).toBe(404)
  await api.request('PATCH', `/api/v1/people/${person.id}`, { body: { sites: [siteOf('here')] } })
  expect((await see()).status).toBe(200)
  await api.request('PATCH', `/api/v1/people/${person.id}`, { body: { disabled: true } })
  expect((await see()).status).toBe(401)
})

test('a key that was revoked gets nothing of what was kept', async () => {
  const { body } = await api.post('/api/v1/keys', { name: 'k', role: 'viewer' })
  expect(cacheOf(await get('/sites', body.key))).not.toBeNull()
  await api.request('DELETE', `/api/v1/keys/${body.id}`)
  expect((await get('/sites', body.key)).status).toBe(401)
})

test('a device that moves takes the rules for it along, out of what was kept for those of its site', async () => {
  const [from, to] = [siteOf('here'), siteOf('there')]
  const device = parseDeviceId('mover')
  await api.post('/api/v1/devices', { id: device, siteId: from, profileId: 'meter-1ph' })
  await api.post('/api/v1/rules', { ...ruleOf('of the mover'), id: 'of-mover', appliesTo: { device } })
  const [before, after] = [
    await api.issueKey({ role: 'viewer', sites: [from] }),
    await api.issueKey({ role: 'viewer', sites: [to] }),
  ]
  const seen = async () =>
    Promise.all(
      [before, after].map(async (key) => [
        (await get('/rules/of-mover/versions', key)).status,
        textOf(await get('/rules', key)).includes('of-mover'),
      ]),
    )
  const there = [[404, false]]
  const here = [[200, true]]
  expect(await seen()).toEqual([...here, ...there])
  await using other = { state: await api.openAgain(), [Symbol.asyncDispose]: () => other.state.close() }
  await other.state.change(platformActor, (unit) => unit.devices.update(device, { siteId: to }))
  expect(await seen()).toEqual([...there, ...here])
})

test('a site that is removed, and one of that name that comes after it, are not what was kept', async () => {
  const key = await api.issueKey({ role: 'viewer', sites: [parseSiteId('brief')] })
  const make = (name: string) => api.post('/api/v1/sites', { id: 'brief', name, timeZone: 'UTC', currency: 'EUR' })
  const seen = async () => (await get('/sites', key)).body.items.map(({ name }: { name: string }) => name)
  await make('First')
  expect(await seen()).toEqual(['First'])
  await api.request('DELETE', '/api/v1/sites/brief')
  expect(await seen()).toEqual([])
  await make('Second')
  expect(await seen()).toEqual(['Second'])
})

test('what another start of the platform, or another platform, keeps in the same place is not found', async () => {
  const cache = createMemoryCache({ maxBytes: 1_000_000 })
  await using first = await startApi({}, { cache })
  await using second = await startApi({}, { cache })
  expect(cacheOf(await first.get('/api/v1/profiles'))).toBe('miss')
  expect(cacheOf(await first.get('/api/v1/profiles'))).toBe('hit')
  expect(cacheOf(await second.get('/api/v1/profiles'))).toBe('miss')
  await first.state.dataVersions.renew()
  expect(cacheOf(await first.get('/api/v1/profiles'))).toBe('miss')
})

test('a write between two reads is met by as many as ask at once, and loaded once', async () => {
  let loads = 0
  const answerCached = createCachedAnswers({
    cache: createMemoryCache({ maxBytes: 1_000_000 }),
    versions: api.state.dataVersions,
  })
  const ask = () =>
    answerCached({
      path: '/x',
      cached: {
        of: ['inventory'],
        async runFor() {
          loads++
          return { status: 200, body: await api.state.sites.get(siteOf('here')) }
        },
      },
      request: {
        params: {},
        query: new URLSearchParams(),
        contentType: undefined,
        accept: undefined,
        readBody: async () => new Uint8Array(),
      },
      asker: { principal: { kind: 'key', id: 'k', role: 'viewer', sites: 'all' }, scopes: [] },
    })
  for (let round = 1; round <= 20; round++) {
    await api.state.change(platformActor, (unit) => unit.sites.update(siteOf('here'), { name: `${round}` }))
    const answers = await Promise.all(Array.from({ length: 20 }, ask))
    const names = answers.map(({ json }) => JSON.parse(Buffer.from(json?.bytes ?? '').toString()).name)
    expect(new Set(names)).toEqual(new Set([`${round}`]))
    expect(loads).toBe(round)
  }
})
