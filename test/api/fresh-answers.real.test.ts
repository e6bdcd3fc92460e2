import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptyCounts, parseAlertId, parseDeviceId, parseRuleId, parseSiteId } from '../../model/index.ts'
import { createMemoryCache } from '../../store/cache/index.ts'
import { platformActor, type State } from '../../store/state/index.ts'
import { transition } from '../store/state/harness.ts'
import { ruleOf } from './access/world.ts'
import { type Answer, type Harness, startApi } from './harness.ts'

/** A cache that can be passed by, so that one platform says both what is kept and what is so. */
const memory = createMemoryCache({ maxBytes: 50_000_000 })
let bypass = false
const cache = {
  get: async (key: string) => (bypass ? undefined : memory.get(key)),
  set: (...given: Parameters<typeof memory.set>) => (bypass ? undefined : memory.set(...given)),
}

let api: Harness
/** As another process has the state. */
let other: State
const keys = new Map<string, string>()
beforeAll(async () => {
  api = await startApi({}, { cache })
  other = await api.openAgain()
  const sites = (...ids: string[]) => ids.map((id) => parseSiteId(id))
  await api.state.change(platformActor, async (unit) => {
    for (const id of ['one', 'two']) await unit.sites.create({ ...siteOf(id), id: parseSiteId(id) })
  })
  for (const [name, input] of [
    ['admin', { role: 'admin' }],
    ['admin of one', { role: 'admin', sites: sites('one') }],
    ['operator of both', { role: 'operator', sites: sites('two', 'one') }],
    ['viewer of all', { role: 'viewer' }],
    ['viewer of one', { role: 'viewer', sites: sites('one') }],
    ['viewer of two', { role: 'viewer', sites: sites('two') }],
    ['viewer of a site that comes and goes', { role: 'viewer', sites: sites('extra') }],
    ['viewer of none', { role: 'viewer', sites: [] }],
    ['admin, sites only', { role: 'admin', scopes: ['sites:read'] }],
    ['admin, rules and alerts only', { role: 'admin', scopes: ['rules:read', 'alerts:read'] }],
  ] as const)
    keys.set(name, await api.issueKey(input))
})
afterAll(async () => {
  await other.close()
  await api.stop()
})

function siteOf(name: string) {
  return { id: name, name, timeZone: 'UTC', currency: 'EUR' }
}

const sites = ['one', 'two'] as const
const devices = ['d1', 'd2'] as const
const ruleIds = ['r1', 'r2'] as const
const alertIds = ['a1', 'a2'] as const

const paths = [
  '/sites',
  '/sites?limit=1',
  '/assets',
  '/assets?siteId=one',
  '/assets?top=true',
  '/profiles',
  '/rules',
  '/rules?siteId=two',
  '/rules?deviceId=d1',
  '/rules/r1/versions',
  '/rules/r2/versions',
  '/alerts',
  '/alerts?state=firing',
  '/alerts?deviceId=d2',
  '/alerts/a1/timeline',
  '/service-levels',
]

/** What may happen; each is tried, and may be refused. */
type Step = readonly [what: string, run: () => Promise<unknown>]

let position = 0
let ordinal = 0

async function raise(alert: string, device: string, site: string, kind: 'firing' | 'resolved'): Promise<void> {
  const more = { deviceId: parseDeviceId(device), siteId: parseSiteId(site), kind }
  await other.alertLedger.record([transition(alert, ordinal++, more)], ++position)
}

/** What a script before may have removed. */
async function furnish(): Promise<void> {
  for (const id of devices) await call('POST', '/devices', { id, siteId: 'one', profileId: 'meter-1ph' })
  for (const [i, id] of ruleIds.entries())
    await call('POST', '/rules', { ...ruleOf('R'), id, appliesTo: { device: devices[i] } })
  await raise('a1', 'd1', 'one', 'firing')
}

const call = (method: string, path: string, body?: unknown) => api.request(method, `/api/v1${path}`, { body })
const ofSite = fc.constantFrom(...sites)
const ofDevice = fc.constantFrom(...devices)
const ofRule = fc.constantFrom(...ruleIds)
const ofAlert = fc.constantFrom(...alertIds)
const name = fc.constantFrom('A', 'B', 'C', 'Ü')

const step = fc.oneof(
  fc.tuple(ofSite, name).map(([id, name]): Step => [`rename ${id}`, () => call('PATCH', `/sites/${id}`, { name })]),
  fc.constant<Step>(['make site extra', () => call('POST', '/sites', siteOf('extra'))]),
  fc.constant<Step>(['remove site extra', () => call('DELETE', '/sites/extra')]),
  ofSite.map(
    (siteId): Step => [
      'make the panel',
      () => call('POST', '/assets', { id: 'panel', siteId, kind: 'panel', name: 'P' }),
    ],
  ),
  name.map((name): Step => ['rename the panel', () => call('PATCH', '/assets/panel', { name })]),
  fc.constant<Step>(['remove the panel', () => call('DELETE', '/assets/panel')]),
  fc.constant<Step>([
    'make a profile',
    () => call('POST', '/profiles', { id: 'own', name: 'Own', reportingIntervalMs: 1_000, metrics: [] }),
  ]),
  name.map((name): Step => ['rename the profile', () => call('PATCH', '/profiles/own', { name })]),
  fc.constant<Step>(['remove the profile', () => call('DELETE', '/profiles/own')]),
  fc
    .tuple(ofDevice, ofSite)
    .map(
      ([id, siteId]): Step => [
        `make ${id} in ${siteId}`,
        () => call('POST', '/devices', { id, siteId, profileId: 'meter-1ph' }),
      ],
    ),
  fc
    .tuple(ofDevice, ofSite)
    .map(
      ([id, siteId]): Step => [
        `move ${id} to ${siteId}, by another process`,
        () =>
          other
            .change(platformActor, (unit) => unit.devices.update(parseDeviceId(id), { siteId: parseSiteId(siteId) }))
            .catch(() => undefined),
      ],
    ),
  ofDevice.map((id): Step => [`remove ${id}`, () => call('DELETE', `/devices/${id}`)]),
  fc
    .tuple(
      ofRule,
      fc.oneof(
        ofDevice.map((device) => ({ device })),
        ofSite.map((site) => ({ site })),
      ),
    )
    .map(
      ([id, appliesTo]): Step => [
        `make ${id} for ${JSON.stringify(appliesTo)}`,
        () => call('POST', '/rules', { ...ruleOf('R'), id, appliesTo }),
      ],
    ),
  fc
    .tuple(ofRule, ofDevice)
    .map(
      ([id, device]): Step => [
        `${id} now for ${device}`,
        () => call('PATCH', `/rules/${id}`, { appliesTo: { device } }),
      ],
    ),
  ofRule.map(
    (id): Step => [
      `rename ${id}, by another process`,
      () =>
        other
          .change(platformActor, (unit) => unit.rules.update(parseRuleId(id), { name: `R${ordinal++}` }))
          .catch(() => undefined),
    ],
  ),
  ofRule.map((id): Step => [`restore ${id}`, () => call('POST', `/rules/${id}/restore`, { version: 1 })]),
  ofRule.map((id): Step => [`remove ${id}`, () => call('DELETE', `/rules/${id}`)]),
  fc
    .tuple(ofAlert, ofDevice, ofSite, fc.constantFrom('firing' as const, 'resolved' as const))
    .map(
      ([alert, device, site, kind]): Step => [
        `${alert} of ${device} in ${site} ${kind}`,
        () => raise(alert, device, site, kind),
      ],
    ),
  ofAlert.map((id): Step => [`acknowledge ${id}`, () => call('POST', `/alerts/${id}/acknowledge`)]),
  ofAlert.map(
    (id): Step => [
      `comment on ${id}, by another process`,
      () => other.change(platformActor, (unit) => unit.alerts.comment(parseAlertId(id), 'hm')).catch(() => undefined),
    ],
  ),
  fc.constant<Step>([
    'a heartbeat',
    () => {
      const counts = emptyCounts()
      counts.api.total += 200
      return other.service.report({ startedMs: api.clock.nowMs - 60_000, nowMs: api.clock.nowMs, counts })
    },
  ]),
)

interface Seen {
  readonly status: number
  readonly body: unknown
  readonly etag: string | null
}

async function see(path: string, key: string): Promise<Seen & Pick<Answer, 'headers'>> {
  const { status, body, headers } = await api.get(`/api/v1${path}`, { key })
  const { requestId: _, ...rest } = body
  return { status, body: rest, etag: headers.get('etag'), headers }
}

test('whoever asks, whatever has just been written, by whom: what is kept is what is so', {
  timeout: 240_000,
}, async () => {
  let hits = 0
  const looks = fc.array(fc.tuple(fc.constantFrom(...paths), fc.constantFrom(...keys.keys())), {
    minLength: 12,
    maxLength: 12,
  })
  const steps = fc.array(step, { minLength: 5, maxLength: 15 })
  await fc.assert(
    fc.asyncProperty(looks, steps, async (looks, steps) => {
      await furnish()
      for (const [what, run] of steps) {
        await run()
        for (const [path, caller] of looks) {
          const key = keys.get(caller) ?? ''
          const row = [what, caller, path]
          const { headers, ...kept } = await see(path, key)
          if (headers.get('x-cache') === 'hit') hits++
          bypass = true
          const { headers: _, ...so } = await see(path, key)
          bypass = false
          expect([...row, kept]).toEqual([...row, so])
        }
      }
    }),
    { numRuns: 40 },
  )
  expect(hits).toBeGreaterThan(200)
})

test('each path is one whose answers are kept', async () => {
  const { body } = await api.get('/api/v1/sites')
  expect(body.items.length).toBeGreaterThan(0)
  const kept = await Promise.all(paths.map(async (path) => [path, await see(path, api.adminKey)] as const))
  expect(
    kept.filter(([, { status, headers }]) => status === 200 && !headers.has('x-cache')).map(([path]) => path),
  ).toEqual([])
})
