import { sql } from 'kysely'
import { controlTopic, type DeviceId, type DeviceRecord, platformDeviceId } from '../../../model/index.ts'
import type { ChangeScope } from '../change.ts'
import { parseAttributes, parseLimits, parseQuarantine, parseTexts } from '../columns.ts'
import { takeNumber } from '../counters.ts'
import { emptyPage, toPage } from '../page.ts'
import { prepared } from '../prepared.ts'
import type { DeviceInput } from '../records.ts'
import type { Db, StateSchema } from '../schema.ts'
import type { DeviceQueries, DeviceWrites } from '../state.ts'
import { patched } from './patched.ts'
import { conflict, invalid, notFound } from './refusals.ts'
import { removeRulesOf } from './rule-changes.ts'

export function deviceQueries(db: Db): DeviceQueries {
  const byId = prepared(db, (id: DeviceId) => db.selectFrom('devices').selectAll().where('id', '=', id))

  return {
    async get(id) {
      const [row] = await byId(id)
      return row && toDevice(row)
    },

    async list({ scope, siteId, assetId, profileId, gatewayId, quarantined, limit, after }) {
      if (scope !== 'all' && scope.length === 0) return emptyPage
      let query = db
        .selectFrom('devices')
        .selectAll()
        .orderBy('id')
        .limit(limit + 1)
      if (scope !== 'all') query = query.where('site_id', 'in', scope)
      if (siteId !== undefined) query = query.where('site_id', '=', siteId)
      if (assetId !== undefined) query = query.where('asset_id', '=', assetId)
      if (profileId !== undefined) query = query.where('profile_id', '=', profileId)
      if (gatewayId !== undefined) query = query.where('gateway_id', '=', gatewayId)
      if (quarantined !== undefined) query = query.where('quarantine', quarantined ? 'is not' : 'is', null)
      if (after !== undefined) query = query.where(sql.ref<string>('id'), '>', after)
      return toPage(await query.execute(), limit, { item: toDevice, cursor: (row) => row.id })
    },

    async count(scope) {
      if (scope !== 'all' && scope.length === 0) return 0
      let query = db.selectFrom('devices').select((eb) => eb.fn.countAll<number>().as('count'))
      if (scope !== 'all') query = query.where('site_id', 'in', scope)
      return (await query.executeTakeFirstOrThrow()).count
    },
  }
}

export function deviceWrites(scope: ChangeScope): DeviceWrites {
  const { db, nowMs, principal, note } = scope
  const devices = deviceQueries(db)

  return {
    async create(input) {
      const doing = `create device ${input.id}`
      if ((await devices.get(input.id)) !== undefined) throw conflict(doing, 'id', 'is taken')
      await checkReferences(doing, input)
      const device = { ...input, number: await takeNumber(db, 'device') }
      await db.insertInto('devices').values(toRow(device)).execute()
      await record('create', device, { after: device })
      return device
    },

    async update(id, patch) {
      const doing = `update device ${id}`
      const before = await devices.get(id)
      if (before === undefined) throw notFound(doing)
      const after = patched(before, patch)
      if (after === undefined) return before
      if (id === platformDeviceId && after.profileId !== before.profileId)
        throw conflict(doing, 'profileId', 'of the platform itself stays')
      await checkReferences(doing, after)
      if (after.siteId !== before.siteId) await refuseGateway(doing, before)
      await db.updateTable('devices').set(toRow(after)).where('id', '=', id).execute()
      await record('update', after, { before, after })
      return after
    },

    async quarantine(id, reason) {
      const doing = `quarantine device ${id}`
      const before = await devices.get(id)
      if (before === undefined) throw notFound(doing)
      if (id === platformDeviceId) throw conflict(doing, 'id', 'is that of the platform itself')
      if (before.quarantine !== undefined) throw conflict(doing, 'quarantine', 'is there already')
      const after = { ...before, quarantine: { reason, sinceMs: nowMs, by: principal.id } }
      await db.updateTable('devices').set(toRow(after)).where('id', '=', id).execute()
      await record('quarantine', after, { before, after })
      return after
    },

    async release(id) {
      const doing = `release device ${id}`
      const before = await devices.get(id)
      if (before === undefined) throw notFound(doing)
      const { quarantine, ...after } = before
      if (quarantine === undefined) throw conflict(doing, 'quarantine', 'is none')
      await db.updateTable('devices').set(toRow(after)).where('id', '=', id).execute()
      await record('release', after, { before, after })
      return after
    },

    async remove(id) {
      const doing = `remove device ${id}`
      const before = await devices.get(id)
      if (before === undefined) throw notFound(doing)
      if (id === platformDeviceId) throw conflict(doing, 'id', 'is that of the platform itself')
      await refuseGateway(doing, before)
      await record('remove', before, { before })
      await removeRulesOf(scope, { deviceId: id })
      await db.deleteFrom('credentials').where('device_id', '=', id).execute()
      await db.deleteFrom('revoked_certificates').where('device_id', '=', id).execute()
      await db.deleteFrom('devices').where('id', '=', id).execute()
    },
  }

  /** Everything that a device names exists, and in its own site: who sees one site must not reach into another. */
  async function checkReferences(doing: string, device: DeviceInput): Promise<void> {
    const { siteId, profileId, assetId, gatewayId } = device
    const site = await db.selectFrom('sites').select('id').where('id', '=', siteId).executeTakeFirst()
    if (site === undefined) throw invalid(doing, 'siteId', `${siteId} is unknown`)
    const profile = await db.selectFrom('profiles').select('id').where('id', '=', profileId).executeTakeFirst()
    if (profile === undefined) throw invalid(doing, 'profileId', `${profileId} is unknown`)
    if (assetId !== null) {
      const asset = await db.selectFrom('assets').select('site_id').where('id', '=', assetId).executeTakeFirst()
      if (asset?.site_id !== siteId) throw invalid(doing, 'assetId', `${assetId} is not an asset of site ${siteId}`)
    }
    if (gatewayId === null) return
    if (device.id === platformDeviceId) throw invalid(doing, 'gatewayId', 'is not for the platform itself')
    if (gatewayId === device.id) throw invalid(doing, 'gatewayId', 'is the device itself')
    const gateway = await devices.get(gatewayId)
    if (gateway?.siteId !== siteId) throw invalid(doing, 'gatewayId', `${gatewayId} is not a device of site ${siteId}`)
    // One level: who may publish for a device is then one look-up, and no circle can form.
    if (gateway.gatewayId !== null) throw invalid(doing, 'gatewayId', `${gatewayId} has a gateway itself`)
    const behind = await firstBehind(device)
    if (behind !== undefined) throw invalid(doing, 'gatewayId', `is for no gateway, and this is that of ${behind}`)
  }

  async function firstBehind({ id }: Pick<DeviceRecord, 'id'>): Promise<string | undefined> {
    const row = await db.selectFrom('devices').select('id').where('gateway_id', '=', id).limit(1).executeTakeFirst()
    return row?.id
  }

  async function refuseGateway(doing: string, device: DeviceRecord): Promise<void> {
    const behind = await firstBehind(device)
    if (behind !== undefined) throw conflict(doing, 'devices', `still have it as their gateway, ${behind} for one`)
  }

  function record(
    verb: 'create' | 'update' | 'quarantine' | 'release' | 'remove',
    { id, siteId }: DeviceRecord,
    change: { before?: DeviceRecord; after?: DeviceRecord },
  ) {
    const fromSiteId = change.before?.siteId ?? siteId
    return note({ verb, type: 'device', id, siteId, fromSiteId, ...change, controlTopic: controlTopic.device(id) })
  }
}

function toDevice(row: StateSchema['devices']): DeviceRecord {
  return {
    id: row.id,
    number: row.number,
    siteId: row.site_id,
    profileId: row.profile_id,
    assetId: row.asset_id,
    gatewayId: row.gateway_id,
    name: row.name,
    attributes: parseAttributes(row.attributes),
    tags: parseTexts(row.tags),
    limits: parseLimits(row.limits),
    ...(row.quarantine !== null && { quarantine: parseQuarantine(row.quarantine) }),
  }
}

function toRow(device: DeviceRecord): StateSchema['devices'] {
  return {
    id: device.id,
    number: device.number,
    site_id: device.siteId,
    profile_id: device.profileId,
    asset_id: device.assetId,
    gateway_id: device.gatewayId,
    name: device.name,
    attributes: JSON.stringify(device.attributes),
    tags: JSON.stringify(device.tags),
    limits: JSON.stringify(device.limits),
    quarantine: device.quarantine === undefined ? null : JSON.stringify(device.quarantine),
  }
}
