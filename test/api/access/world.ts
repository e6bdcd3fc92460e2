import {
  type DeviceId,
  parseAlertId,
  parseAssetId,
  parseDeviceId,
  parseMetricName,
  parseProfileId,
  parseRuleId,
  parseSiteId,
  type SiteId,
} from '../../../model/index.ts'
import { platformActor } from '../../../store/state/index.ts'
import { transition } from '../../store/state/harness.ts'
import { type Harness, startMs } from '../harness.ts'

/** The sites of the world. */
export const places = ['here', 'there'] as const
export type Place = (typeof places)[number]
export const siteOf = (place: Place): SiteId => parseSiteId(`${place}-site`)

/** Ids of one site's things, each of its kind. */
export interface Ids {
  readonly site: string
  readonly asset: string
  readonly device: string
  readonly gateway: string
  readonly token: string
  readonly connection: string
  readonly rule: string
  readonly alert: string
  readonly notification: string
  readonly profile: string
  readonly key: string
  readonly person: string
  /** For something new. */
  readonly fresh: string
}

/** Stands in every text of what is of a site: who may not see it must never read it. */
export const secretOf = (place: string): string => `secret-of-${place}`

/** What a caller could name that does not exist, in the form of what does. */
export const nowhere: Ids = {
  site: 'never-site',
  asset: 'asset-never',
  device: 'device-never',
  gateway: 'gateway-never',
  token: 'tokennever',
  connection: '999999',
  rule: 'rule-never',
  alert: 'alert-never',
  notification: 'notificationnever',
  profile: 'profile-never',
  key: 'key-never',
  person: 'person-never',
  fresh: 'fresh-never',
}

export interface World {
  readonly api: Harness
  /** A set of things of a site that nobody else uses. */
  furnish(place: Place): Promise<Ids>
  /** Also things that are of no site, for what is done to them. */
  furnishWhole(place: Place): Promise<Ids>
}

export async function createWorld(api: Harness): Promise<World> {
  let number = 0
  let position = 0
  await api.state.change(platformActor, async (unit) => {
    for (const place of places)
      await unit.sites.create({ id: siteOf(place), name: secretOf(place), timeZone: 'UTC', currency: 'EUR' })
  })

  const whole = await make('here', true)
  return {
    api,
    furnish: async (place) => ({ ...(await make(place, false)), ...ofNoSite(whole) }),
    furnishWhole: (place) => make(place, true),
  }

  async function make(place: Place, isWhole: boolean): Promise<Ids> {
    const n = 700_000 + ++number
    const id = (noun: string): string => `${noun}-${place}-${n}`
    const name = secretOf(place)
    const siteId = siteOf(place)
    const profile = parseProfileId(`profile-${n}`)
    const device = parseDeviceId(id('device'))
    const gateway = parseDeviceId(id('gateway'))
    const asset = parseAssetId(id('asset'))
    const rule = parseRuleId(id('rule'))
    // One change: a test furnishes some hundred times.
    const { key, token, person } = await api.state.change(platformActor, async (unit) => {
      if (isWhole) await unit.profiles.create({ id: profile, name: 'P', reportingIntervalMs: 60_000, metrics: [] })
      const narrow = { role: 'viewer', sites: 'all', scopes: ['sites:read'], expiresMs: null } as const
      const key = isWhole ? (await unit.credentials.issueKey({ name: 'k', ...narrow })).record.id : ''
      const about = { name, email: `${id('person')}@example.org`, language: 'en', timeZone: null } as const
      const person = isWhole ? (await unit.people.create({ ...about, role: 'viewer', sites: 'all' })).id : ''
      const rated = { ratingKva: null, ratingA: null, attributes: { name }, tags: [name] }
      await unit.assets.create({ id: asset, siteId, parentId: null, kind: 'panel', name, ...rated })
      const shape = {
        siteId,
        profileId: parseProfileId('meter-1ph'),
        name,
        attributes: { name },
        tags: [name],
        limits: {},
      }
      await unit.devices.create({ ...shape, id: gateway, assetId: null, gatewayId: null })
      await unit.devices.create({ ...shape, id: device, assetId: asset, gatewayId: gateway })
      const { record: token } = await unit.credentials.issueDeviceToken(device)
      await unit.rules.create({ ...ruleOf(name), id: rule, appliesTo: { device } })
      await unit.rules.update(rule, { forMs: 1_000 })
      return { key, token, person }
    })
    await api.measure(device, 'voltage', [[startMs, 230]])
    api.fake.connections.set(device, [connection(n, name, token.id)])
    const notification = await raise(id('alert'), device, place)
    await reject(device, name)
    const made = { asset, device, gateway, token: token.id, connection: String(n), rule, notification }
    return { site: siteId, ...made, alert: id('alert'), profile, key, person, fresh: id('fresh') }
  }

  /** An alert that fired, and whose mail was given up. */
  async function raise(alert: string, deviceId: DeviceId, place: Place): Promise<string> {
    const { state } = api
    const more = { deviceId, siteId: siteOf(place), ruleName: secretOf(place) }
    const steps = (['pending', 'firing'] as const).map((kind, i) => transition(alert, i, { kind, ...more }))
    await state.alertLedger.record(steps, ++position)
    const events = await state.dispatch.events(await state.dispatch.position(), 10)
    const last = events.at(-1)?.id ?? 0
    await state.dispatch.commit(last, [
      { eventId: last, channel: 'email', recipient: `${secretOf(place)}@example.org` },
    ])
    const { items } = await state.notifications.list({ scope: 'all', alertId: parseAlertId(alert), limit: 1 })
    const id = items[0]?.id ?? ''
    await state.deliveries.saveMessage(id, { messageId: `<${alert}@example.org>`, bytes: Buffer.from(secretOf(place)) })
    const attempt = { timeMs: startMs, provider: 'main', code: 550, response: secretOf(place), latencyMs: 8 }
    await state.deliveries.recordAttempt(id, attempt, { kind: 'failed', reason: 'recipient_refused' })
    return id
  }

  async function reject(deviceId: DeviceId, text: string): Promise<void> {
    const row = { timeMs: startMs, deviceId, clientId: text, topic: text, reason: 'not_json' }
    const at = (await api.state.ledger.position('access')) + 1
    await api.state.ledger.commit('access', at, [{ ...row, detail: text, payload: Buffer.from(text) }])
  }
}

function ofNoSite({ profile, key, person }: Ids) {
  return { profile, key, person }
}

export function ruleOf(name: string) {
  const condition = {
    metric: parseMetricName('voltage'),
    op: '>',
    levels: [{ severity: 'warning', value: 253 }],
  } as const
  return { name, enabled: true, condition, forMs: 0, keepFiringForMs: 0 }
}

function connection(id: number, clientId: string, secretId: string) {
  const kept = { sinceMs: startMs, address: '192.0.2.7', cleanSession: true, keepAliveS: 60 }
  return { id, clientId, secretId, transport: 'tcp', protocol: '3.1.1', ...kept } as const
}
