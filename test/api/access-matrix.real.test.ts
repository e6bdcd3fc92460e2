import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { maySee } from '../../model/index.ts'
import { type Caller, createCallers, expectedStatus, narrowedTo } from './access/callers.ts'
import { type Call, type Example, exampleOf, examples } from './access/examples.ts'
import {
  createWorld,
  type Ids,
  nowhere,
  type Place,
  places,
  ruleOf,
  secretOf,
  siteOf,
  type World,
} from './access/world.ts'
import type { Policy } from './contract.ts'
import { type Answer, type Harness, startApi } from './harness.ts'

let api: Harness
let world: World
let callers: Caller[]
beforeAll(async () => {
  api = await startApi({ peerTimeoutMs: 10, publicUrl: 'http://pelbiot.example.com', trustedProxies: '127.0.0.1' })
  world = await createWorld(api)
  callers = await createCallers(api)
})
afterAll(() => api.stop())

interface Operation {
  readonly id: string
  readonly method: string
  readonly policy: Policy
  readonly example: Example
}

function operations(): Operation[] {
  return Object.entries(api.document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { 'x-pelbiot-policy': policy }]) => {
      const id = `${method.toUpperCase()} ${path}`
      const example = exampleOf(id)
      return example === undefined ? [] : [{ id, method: method.toUpperCase(), policy, example }]
    }),
  )
}

type Credential = Pick<Caller, 'key' | 'cookie'>

async function call({ id, method, example }: Operation, caller: Credential, ids: Ids): Promise<Answer> {
  const whole = example.call(ids)
  return example.endless === true ? headOf(`/api/v1${whole.path}`, caller) : send(id, method, whole, caller)
}

let requests = 0
/** Each request from an address of its own, for tries are counted by address where passwords are guessed. */
const somewhere = () => `10.0.${++requests >> 8}.${requests & 255}`

function send(id: string, method: string, { path, body }: Call, { key, cookie }: Credential): Promise<Answer> {
  const whole = id.includes(' /api/v1/') ? `/api/v1${path}` : path
  const headers = { 'x-forwarded-for': somewhere(), ...(cookie !== undefined && { cookie, origin: api.url }) }
  return api.request(method, whole, { key, headers, ...(body !== undefined && { body }) })
}

/** Of an answer without an end its beginning; of a problem the whole. */
async function headOf(path: string, { key, cookie }: Credential): Promise<Answer> {
  const leave = new AbortController()
  const headers = { ...(key !== null && { authorization: `Bearer ${key}` }), ...(cookie !== undefined && { cookie }) }
  const response = await fetch(`${api.url}${path}`, { headers, signal: leave.signal })
  const { status } = response
  const body = status === 200 ? undefined : await response.json()
  leave.abort()
  return { status, headers: response.headers, body }
}

/** Things of a site that this operation has something to do with. */
async function furnish({ id, example: { first } }: Operation, place: Place): Promise<Ids> {
  const ids = await (/\/(keys|people|profiles)\/\{/.test(id) ? world.furnishWhole(place) : world.furnish(place))
  if (first !== undefined)
    expect((await send(id, first[0], first[1](ids), { key: api.adminKey })).status).toBeLessThan(300)
  return ids
}

const succeeded = (status: number): boolean => status < 300
/** A removal leaves nothing to call again, and what is changed once may not be changed twice. */
const changes = ({ method }: Operation): boolean => method !== 'GET'

test('no operation is left out: test/api/access/examples.ts says how each is called', () => {
  const documented = Object.entries(api.document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const missing = documented.filter((id) => exampleOf(id) === undefined)
  expect(missing, 'add to test/api/access/examples.ts how these are called, and whom they are hidden from').toEqual([])
  expect(Object.keys(examples).filter((id) => !documented.includes(id))).toEqual([])
})

describe('every operation, for things of each site', () => {
  test('answers every caller as its policy says, and with nothing of a site that is not theirs', {
    timeout: 300_000,
  }, async () => {
    let calls = 0
    for (const operation of operations()) {
      const { id, policy, example } = operation
      const everybody = await callersOf(operation)
      for (const place of policy === 'public' || 'for' in policy ? (['here'] as const) : places) {
        let ids = await furnish(operation, place)
        for (const caller of everybody) {
          const { status, body } = await call(operation, await awake(caller, example), ids)
          calls++
          const row = [id, caller.name, `for ${place}`]
          expect([...row, status]).toEqual([...row, expectedStatus(policy, caller, example, place)])
          const text = JSON.stringify(body ?? '')
          for (const other of places.filter((one) => !seen(caller).includes(one)))
            expect([...row, text.includes(secretOf(other))]).toEqual([...row, false])
          if (succeeded(status) && changes(operation)) ids = await furnish(operation, place)
        }
      }
    }
    expect(calls).toBeGreaterThan(1_500)
  })

  test('tells who may not see them what it tells of things that do not exist', async () => {
    for (const operation of operations()) {
      const { policy, example } = operation
      if (policy === 'public' || 'for' in policy || policy.sites === 'every' || example.elsewhere === 'shared') continue
      const ids = await furnish(operation, 'there')
      for (const caller of callers.filter(({ name }) => name.includes('of here'))) {
        const [told, ofNothing] = await Promise.all([call(operation, caller, ids), call(operation, caller, nowhere)])
        const row = [operation.id, caller.name]
        expect([...row, neutral(told, ids)]).toEqual([...row, neutral(ofNothing, nowhere)])
      }
    }
  })
})

/** What is open to anybody asks nobody who they are, so a few of them will do. */
async function callersOf({ policy }: Operation): Promise<readonly Caller[]> {
  if (policy === 'public') return callers.filter(({ name }) => /^(anonymous|an expired key|admin of here)$/.test(name))
  return 'for' in policy ? callers : [...callers, ...(await narrowedTo(api, policy.scope))]
}

/** The caller, with a session of its own where the call ends it. */
async function awake(caller: Caller, { endsSession }: Example): Promise<Caller> {
  const { cookie, role, sites } = caller
  if (endsSession !== true || cookie === undefined || role === undefined || sites === undefined) return caller
  return { ...caller, cookie: (await api.signIn({ role, sites })).cookie }
}

function seen({ sites }: Caller): readonly Place[] {
  return places.filter((place) => sites !== undefined && maySee(sites, siteOf(place)))
}

/** An answer without what names the very thing that was asked for, and the request. */
function neutral({ status, body }: Answer, ids: Ids): unknown {
  let text = JSON.stringify({ status, ...body, requestId: '' })
  const longestFirst = Object.entries(ids).sort(([, a], [, b]) => b.length - a.length)
  for (const [noun, id] of longestFirst) text = text.replaceAll(id, `{${noun}}`)
  return JSON.parse(text)
}

/** What an admin of `own` asks of their own things, naming things of another site in it. */
const references: readonly [name: string, method: string, call: (own: Ids, other: Ids) => Call][] = [
  ['an asset below one', 'PATCH', (own, { asset }) => ({ path: `/assets/${own.asset}`, body: { parentId: asset } })],
  [
    'a new asset below one',
    'POST',
    ({ fresh, site }, { asset }) => ({
      path: '/assets',
      body: { id: fresh, siteId: site, kind: 'panel', name: 'A', parentId: asset },
    }),
  ],
  ['assets below one', 'GET', (_, { asset }) => ({ path: `/assets?parentId=${asset}` })],
  ['a device on an asset', 'PATCH', (own, { asset }) => ({ path: `/devices/${own.device}`, body: { assetId: asset } })],
  [
    'a device behind a gateway',
    'PATCH',
    (own, { gateway }) => ({
      path: `/devices/${own.device}`,
      body: { gatewayId: gateway },
    }),
  ],
  ['a device in a site', 'PATCH', (own, { site }) => ({ path: `/devices/${own.gateway}`, body: { siteId: site } })],
  [
    'a new device on an asset',
    'POST',
    ({ fresh }, { asset }) => ({
      path: '/devices',
      body: { id: fresh, profileId: 'meter-1ph', assetId: asset },
    }),
  ],
  ['devices of a site', 'GET', (_, { site }) => ({ path: `/devices?siteId=${site}` })],
  ['devices on an asset', 'GET', (_, { asset }) => ({ path: `/devices?assetId=${asset}` })],
  ['devices behind a gateway', 'GET', (_, { gateway }) => ({ path: `/devices?gatewayId=${gateway}` })],
  [
    'a rule for a device',
    'PATCH',
    (own, { device }) => ({ path: `/rules/${own.rule}`, body: { appliesTo: { device } } }),
  ],
  ['a rule for a site', 'PATCH', (own, { site }) => ({ path: `/rules/${own.rule}`, body: { appliesTo: { site } } })],
  [
    'a new rule for a site',
    'POST',
    ({ fresh }, { site }) => ({
      path: '/rules',
      body: { ...ruleOf('R'), id: fresh, appliesTo: { site } },
    }),
  ],
  ['rules of a site', 'GET', (_, { site }) => ({ path: `/rules?siteId=${site}` })],
  ['alerts of a device', 'GET', (_, { device }) => ({ path: `/alerts?deviceId=${device}` })],
  ['alerts of a rule', 'GET', (_, { rule }) => ({ path: `/alerts?ruleId=${rule}` })],
  ['rejected messages of a site', 'GET', (_, { site }) => ({ path: `/rejected?site=${site}` })],
  ['changes in a site', 'GET', (_, { site }) => ({ path: `/audit?siteId=${site}` })],
  ['changes by words', 'GET', (_, { device }) => ({ path: `/audit?text=${device}` })],
  ['a token of a device', 'DELETE', (own, { token }) => ({ path: `/devices/${own.device}/tokens/${token}` })],
  [
    'a connection of a device',
    'DELETE',
    (own, { connection }) => ({
      path: `/devices/${own.device}/connections/${connection}`,
    }),
  ],
]

describe('a thing of another site, named as', () => {
  test.each(references)('%s, is told as one that does not exist', async (_, method, make) => {
    const [own, other] = [await world.furnish('here'), await world.furnish('there')]
    const caller = callers.find(({ name }) => name === 'admin of here') ?? { key: null }
    const told = await send(' /api/v1/', method, make(own, other), caller)
    const ofNothing = await send(' /api/v1/', method, make(own, nowhere), caller)
    expect(neutral(told, other)).toEqual(neutral(ofNothing, nowhere))
    expect(JSON.stringify(told.body ?? '')).not.toContain(secretOf('there'))
  })
})

test('a rule that came from another site tells nothing of there, and does not go back', async () => {
  const [own, other] = [await world.furnish('here'), await world.furnish('there')]
  const path = `/api/v1/rules/${other.rule}`
  const moved = await api.request('PATCH', path, { body: { appliesTo: { device: own.device }, name: 'Moved' } })
  expect(moved.status).toBe(200)
  const key = callers.find(({ name }) => name === 'admin of here')?.key ?? null
  const { body } = await api.get(`${path}/versions`, { key })
  expect(body.items.map(({ rule }: { rule: { version: number } }) => rule.version)).toEqual([3])
  expect((await api.get(`${path}/versions`)).body.items).toHaveLength(3)
  const restored = await api.post(`${path}/restore`, { version: 1 }, { key })
  expect([restored.status, restored.body.detail]).toEqual([404, `there is no version 1 of rule ${other.rule}`])
  const changes = JSON.stringify((await api.get(`/api/v1/audit?resourceId=${other.rule}`, { key })).body)
  expect(changes).toContain('Moved')
  expect(changes).not.toContain(secretOf('there'))
})

test('ids are of the whole platform: one that another site has is taken, as one of the own site is', async () => {
  const [own, other] = [await world.furnish('here'), await world.furnish('there')]
  const key = callers.find(({ name }) => name === 'admin of here')?.key ?? null
  for (const noun of ['device', 'asset', 'rule'] as const) {
    const take = async (ids: Ids): Promise<unknown> => {
      const { body } = examples[`POST /api/v1/${noun}s`]?.call({ ...own, fresh: ids[noun] }) ?? {}
      return neutral(await api.post(`/api/v1/${noun}s`, body, { key }), ids)
    }
    expect(await take(other)).toEqual(await take(own))
    expect(await take(other)).toMatchObject({ status: 409, errors: [{ field: 'id', message: 'is taken' }] })
  }
})

test('a count of devices is of those that may be seen', async () => {
  const counts = new Map<string, number>()
  for (const { name, key } of callers.filter(({ key, role }) => key !== null && role === 'viewer'))
    counts.set(name, (await api.get('/api/v1/status', { key })).body.devices)
  const listed = async (query: string) => (await api.get(`/api/v1/devices?limit=10000${query}`)).body.items.length
  expect(counts.get('viewer of here')).toBe(await listed('&siteId=here-site'))
  expect(counts.get('viewer of all')).toBe(await listed(''))
})

describe('by hand, what nobody should have to derive', () => {
  const rows: readonly [caller: string, operation: string, place: Place, status: number][] = [
    ['anonymous', 'GET /livez', 'here', 200],
    ['anonymous', 'GET /openapi.json', 'here', 200],
    ['anonymous', 'GET /api/v1/status', 'here', 401],
    ['a device', 'GET /api/v1/devices/{id}', 'here', 401],
    ['a device', 'POST /api/v1/devices/{id}/telemetry', 'here', 404],
    ['viewer of here', 'POST /api/v1/devices/{id}/telemetry', 'here', 403],
    ['operator of here', 'POST /api/v1/devices/{id}/telemetry', 'here', 204],
    ['operator of here', 'POST /api/v1/devices/{id}/telemetry', 'there', 404],
    ['a revoked key', 'GET /api/v1/sites', 'here', 401],
    ['an expired key', 'DELETE /api/v1/devices/{id}', 'here', 401],
    ['viewer of all', 'GET /api/v1/devices/{id}/readings', 'there', 200],
    ['viewer of here', 'GET /api/v1/devices/{id}/readings', 'there', 404],
    ['viewer of here', 'GET /api/v1/notifications/{id}/message', 'there', 404],
    ['viewer of all', 'GET /api/v1/audit', 'here', 403],
    ['viewer of all', 'POST /api/v1/alerts/{id}/acknowledge', 'here', 403],
    ['operator of here', 'POST /api/v1/alerts/{id}/acknowledge', 'there', 404],
    ['operator of all', 'PATCH /api/v1/rules/{id}', 'here', 403],
    ['operator of all', 'GET /api/v1/devices/{id}/tokens', 'here', 403],
    ['operator of here', 'POST /api/v1/alerts/{id}/acknowledge', 'here', 200],
    ['viewer of here, signed in', 'GET /api/v1/devices/{id}', 'there', 404],
    ['admin of here, signed in', 'POST /api/v1/people', 'here', 403],
    ['admin of all', 'POST /api/v1/auth/sign-out', 'here', 403],
    ['anonymous', 'GET /api/v1/auth/session', 'here', 401],
    ['admin of all', 'POST /api/v1/people/{id}/link', 'here', 403],
    ['admin of here', 'DELETE /api/v1/devices/{id}', 'there', 404],
    ['admin of here', 'POST /api/v1/devices', 'there', 422],
    ['admin of here', 'POST /api/v1/keys', 'here', 403],
    ['admin of here', 'PATCH /api/v1/profiles/{id}', 'here', 403],
    ['admin of here', 'POST /api/v1/sites', 'here', 403],
    ['admin of here', 'GET /api/v1/audit/verify', 'here', 403],
    ['admin of here', 'DELETE /api/v1/devices/{id}/tokens/{tokenId}', 'here', 204],
    ['admin of all', 'POST /api/v1/keys', 'there', 201],
  ]
  test.each(rows)('%s: %s of %s is %d', async (name, id, place, status) => {
    const operation = operations().find((one) => one.id === id)
    const caller = callers.find((one) => one.name === name)
    if (operation === undefined || caller === undefined) throw new Error(`there is no ${name} or no ${id}`)
    expect((await call(operation, caller, await furnish(operation, place))).status).toBe(status)
  })
})
