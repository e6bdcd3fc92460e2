import type { KeyObject } from 'node:crypto'
import { AppError, type DeviceId, parseKeyId, platformDeviceId } from '../../../model/index.ts'
import type { ChangeScope } from '../change.ts'
import { parseSiteScope, parseTexts } from '../columns.ts'
import { toPage } from '../page.ts'
import type { ApiKeyRecord, CredentialRecord, DeviceTokenRecord } from '../records.ts'
import type { Db, StateSchema } from '../schema.ts'
import type { CredentialQueries, CredentialWrites } from '../state.ts'
import { hashToken, newId, newToken, sameHash } from '../tokens.ts'
import { conflict, invalid, notFound } from './refusals.ts'

/** Longer than any token; what is longer is not worth a hash. */
const maxTokenLength = 256
const maxDeviceTokens = 2

export interface CredentialContext {
  readonly secret: KeyObject
  /** Epoch ms. */
  readonly now: () => number
}

export function credentialQueries(db: Db, { secret, now }: CredentialContext): CredentialQueries {
  return {
    async verify(token) {
      if (token.length > maxTokenLength) return undefined
      const hash = hashToken(secret, token)
      const row = await db.selectFrom('credentials').selectAll().where('hash', '=', hash).executeTakeFirst()
      if (row === undefined || !sameHash(row.hash, hash) || row.revoked_ms !== null) return undefined
      return row.expires_ms === null || now() < row.expires_ms ? toCredential(row) : undefined
    },

    async getKey(id) {
      const row = await db
        .selectFrom('credentials')
        .selectAll()
        .where('kind', '=', 'api-key')
        .where('id', '=', id)
        .executeTakeFirst()
      return row && toKey(row)
    },

    async listKeys({ limit, after }) {
      let query = db
        .selectFrom('credentials')
        .selectAll()
        .where('kind', '=', 'api-key')
        .orderBy('id')
        .limit(limit + 1)
      if (after !== undefined) query = query.where('id', '>', after)
      return toPage(await query.execute(), limit, { item: toKey, cursor: (row) => row.id })
    },

    async deviceTokens(deviceId) {
      const rows = await db
        .selectFrom('credentials')
        .selectAll()
        .where('device_id', '=', deviceId)
        .where('revoked_ms', 'is', null)
        .orderBy('created_ms')
        .orderBy('id')
        .execute()
      return rows.map((row) => toDeviceToken(row))
    },
  }
}

export function credentialWrites(scope: ChangeScope, context: CredentialContext): CredentialWrites {
  const { db, nowMs, note } = scope
  const credentials = credentialQueries(db, context)

  return {
    async issueDeviceToken(deviceId) {
      const doing = `issue token of device ${deviceId}`
      const siteId = await siteOf(doing, deviceId)
      if (deviceId === platformDeviceId)
        throw conflict(doing, 'deviceId', 'is the platform itself: nobody connects as it')
      if ((await credentials.deviceTokens(deviceId)).length >= maxDeviceTokens)
        throw conflict(doing, 'tokens', `are ${maxDeviceTokens} already: revoke one first`)
      const times = { createdMs: nowMs, expiresMs: null, revokedMs: null }
      const record: DeviceTokenRecord = { kind: 'device-token', id: newId(), deviceId, ...times }
      const token = newToken('device-token')
      await insert(record, token)
      await note({ verb: 'issue', type: 'device-token', id: record.id, siteId, after: record })
      return { record, token }
    },

    async revokeDeviceToken(deviceId, tokenId) {
      const doing = `revoke token ${tokenId} of device ${deviceId}`
      const siteId = await siteOf(doing, deviceId)
      const before = (await credentials.deviceTokens(deviceId)).find((token) => token.id === tokenId)
      if (before === undefined) throw notFound(doing)
      await revoke(before)
      const after = { ...before, revokedMs: nowMs }
      await note({ verb: 'revoke', type: 'device-token', id: tokenId, siteId, before, after })
    },

    async issueKey(input, token = newToken('api-key')) {
      const doing = `issue key ${input.name}`
      if (token.length === 0 || token.length > maxTokenLength)
        throw invalid(doing, 'token', `must have 1 to ${maxTokenLength} characters`)
      const hash = hashToken(context.secret, token)
      const taken = await db.selectFrom('credentials').select('id').where('hash', '=', hash).executeTakeFirst()
      if (taken !== undefined) throw conflict(doing, 'token', `is that of credential ${taken.id}`)
      const id = parseKeyId(newId())
      const record: ApiKeyRecord = { kind: 'api-key', id, ...input, createdMs: nowMs, revokedMs: null }
      await insert(record, token)
      await note({ verb: 'issue', type: 'api-key', id, siteId: null, after: record })
      return { record, token }
    },

    async revokeKey(id) {
      const doing = `revoke key ${id}`
      const before = await credentials.getKey(id)
      if (before === undefined) throw notFound(doing)
      if (before.revokedMs !== null) return
      await revoke(before)
      await note({ verb: 'revoke', type: 'api-key', id, siteId: null, before, after: { ...before, revokedMs: nowMs } })
    },
  }

  async function siteOf(doing: string, deviceId: DeviceId) {
    const device = await db.selectFrom('devices').select('site_id').where('id', '=', deviceId).executeTakeFirst()
    if (device === undefined) throw notFound(doing)
    return device.site_id
  }

  async function insert(record: CredentialRecord, token: string): Promise<void> {
    const hash = hashToken(context.secret, token)
    await db
      .insertInto('credentials')
      .values({ ...toRow(record), hash })
      .execute()
  }

  async function revoke({ id }: CredentialRecord): Promise<void> {
    await db.updateTable('credentials').set({ revoked_ms: nowMs }).where('id', '=', id).execute()
  }
}

type Row = StateSchema['credentials']

function toCredential(row: Row): CredentialRecord {
  switch (row.kind) {
    case 'device-token':
      return toDeviceToken(row)
    case 'api-key':
      return toKey(row)
    default:
      throw damaged(row, row.kind)
  }
}

function toDeviceToken(row: Row): DeviceTokenRecord {
  if (row.device_id === null) throw damaged(row, 'no device')
  const { id, device_id: deviceId } = row
  return { kind: 'device-token', id, deviceId, ...toTimes(row) }
}

function toKey(row: Row): ApiKeyRecord {
  const { name, role, sites, scopes } = row
  if (name === null || role === null || sites === null || scopes === null) throw damaged(row, 'no role or sites')
  return {
    kind: 'api-key',
    id: parseKeyId(row.id),
    name,
    role,
    sites: parseSiteScope(sites),
    scopes: parseTexts(scopes),
    ...toTimes(row),
  }
}

function toTimes(row: Row) {
  return { createdMs: row.created_ms, expiresMs: row.expires_ms, revokedMs: row.revoked_ms }
}

function damaged(row: Row, what: string): AppError {
  return new AppError('store_failed', `read credential ${row.id} failed: ${what}`)
}

function toRow(record: CredentialRecord): Omit<Row, 'hash'> {
  const isKey = record.kind === 'api-key'
  return {
    id: record.id,
    kind: record.kind,
    device_id: isKey ? null : record.deviceId,
    name: isKey ? record.name : null,
    role: isKey ? record.role : null,
    sites: isKey ? JSON.stringify(record.sites) : null,
    scopes: isKey ? JSON.stringify(record.scopes) : null,
    created_ms: record.createdMs,
    expires_ms: record.expiresMs,
    revoked_ms: record.revokedMs,
  }
}
