import {
  type CredentialEnds,
  certificateSecretId,
  controlTopic,
  type DeviceId,
  type KeyId,
  parseKeyId,
  platformDeviceId,
  type SiteId,
} from '../../../model/index.ts'
import type { ChangeNote, ChangeScope } from '../change.ts'
import type { ApiKeyRecord, DeviceTokenRecord } from '../records.ts'
import type { StateSchema } from '../schema.ts'
import type { CredentialWrites } from '../state.ts'
import { hashToken, newId, newToken } from '../tokens.ts'
import { type CredentialContext, credentialQueries, maxTokenLength } from './credentials.ts'
import { conflict, invalid, notFound } from './refusals.ts'

const maxDeviceTokens = 2
const maxRevokedCertificates = 100
const firstSecret = 1

export function credentialWrites(scope: ChangeScope, context: CredentialContext): CredentialWrites {
  const { db, nowMs, note } = scope
  const credentials = credentialQueries(db, context)

  return {
    async issueDeviceToken(deviceId) {
      const doing = `issue token of device ${deviceId}`
      const siteId = await siteOf(doing, deviceId)
      if ((await credentials.deviceTokens(deviceId)).length >= maxDeviceTokens)
        throw conflict(doing, 'tokens', `are ${maxDeviceTokens} already: revoke one first`)
      const issued = await newDeviceToken(doing, deviceId)
      await note({ verb: 'issue', type: 'device-token', id: issued.record.id, siteId, after: issued.record })
      return issued
    },

    async rotateDeviceToken(deviceId, overlapMs) {
      const doing = `rotate token of device ${deviceId}`
      const siteId = await siteOf(doing, deviceId)
      const before = await credentials.deviceTokens(deviceId)
      if (before.length >= maxDeviceTokens && overlapMs > 0)
        throw conflict(doing, 'overlapS', `must be 0 while the device has ${maxDeviceTokens} tokens already`)
      const ends = before.map(({ id, expiresMs }) => ({ secretId: id, endsMs: soonest(expiresMs, nowMs + overlapMs) }))
      for (const { secretId, endsMs } of ends) await endToken(secretId, endsMs)
      const issued = await newDeviceToken(doing, deviceId)
      const change = { before: { tokens: before }, after: { tokens: await credentials.deviceTokens(deviceId) } }
      const id = issued.record.id
      await note({ verb: 'rotate', type: 'device-token', id, siteId, ...change, ...ending(deviceId, ends) })
      return issued
    },

    async revokeDeviceToken(deviceId, tokenId) {
      const doing = `revoke token ${tokenId} of device ${deviceId}`
      const siteId = await siteOf(doing, deviceId)
      const before = (await credentials.deviceTokens(deviceId)).find((token) => token.id === tokenId)
      if (before === undefined) throw notFound(doing)
      await endToken(tokenId, nowMs)
      const change = { before, after: { ...before, revokedMs: nowMs } }
      const end = ending(deviceId, [{ secretId: tokenId, endsMs: nowMs }])
      await note({ verb: 'revoke', type: 'device-token', id: tokenId, siteId, ...change, ...end })
    },

    async revokeCertificate(deviceId, fingerprint) {
      const doing = `revoke certificate ${fingerprint} of device ${deviceId}`
      const siteId = await siteOf(doing, deviceId)
      const known = await credentials.revokedCertificates(deviceId)
      if (known.some((each) => each.fingerprint === fingerprint))
        throw conflict(doing, 'fingerprint', 'is revoked already')
      if (known.length >= maxRevokedCertificates)
        throw conflict(
          doing,
          'fingerprint',
          `would be one of more than ${maxRevokedCertificates}: change the authority`,
        )
      const revoked = { fingerprint, revokedMs: nowMs }
      await db
        .insertInto('revoked_certificates')
        .values({ device_id: deviceId, fingerprint, revoked_ms: nowMs })
        .execute()
      const end = ending(deviceId, [{ secretId: certificateSecretId(fingerprint), endsMs: nowMs }])
      const of = { type: 'device-certificate', id: fingerprint, siteId } as const
      await note({ verb: 'revoke', ...of, after: { deviceId, ...revoked }, ...end })
      return revoked
    },

    async restoreCertificate(deviceId, fingerprint) {
      const doing = `restore certificate ${fingerprint} of device ${deviceId}`
      const siteId = await siteOf(doing, deviceId)
      const before = (await credentials.revokedCertificates(deviceId)).find((each) => each.fingerprint === fingerprint)
      if (before === undefined) throw notFound(doing)
      await db
        .deleteFrom('revoked_certificates')
        .where('device_id', '=', deviceId)
        .where('fingerprint', '=', fingerprint)
        .execute()
      const of = { type: 'device-certificate', id: fingerprint, siteId } as const
      await note({ verb: 'restore', ...of, before: { deviceId, ...before } })
    },

    async issueKey(input, token = newToken('api-key')) {
      const doing = `issue key ${input.name}`
      if (token.length === 0 || token.length > maxTokenLength)
        throw invalid(doing, 'token', `must have 1 to ${maxTokenLength} characters`)
      if (await credentials.isKnown(token)) throw conflict(doing, 'token', 'is or was that of another credential')
      const id = parseKeyId(newId())
      const key: ApiKeyRecord = { kind: 'api-key', id, ...input, createdMs: nowMs, revokedMs: null }
      await insert({ ...keyColumns(key), hash: hashToken(context.secret, token) })
      const record = await keyOf(doing, id)
      await note({ verb: 'issue', type: 'api-key', id, siteId: null, after: record })
      return { record, token }
    },

    async rotateKey(id, overlapMs) {
      const doing = `rotate key ${id}`
      const row = await keyRow(doing, id)
      const before = await keyOf(doing, id)
      if (before.revokedMs !== null) throw conflict(doing, 'id', 'is that of a revoked key')
      if (before.expiresMs !== null && nowMs >= before.expiresMs)
        throw conflict(doing, 'id', 'is that of an expired key')
      const [, former] = before.secrets
      if (former !== undefined && overlapMs > 0)
        throw conflict(doing, 'overlapS', 'must be 0 while the rotation before still overlaps')
      await endOldSecrets(id)
      await db
        .insertInto('old_secrets')
        .values({
          hash: row.hash,
          credential_id: id,
          secret: row.secret,
          created_ms: row.secret_ms ?? row.created_ms,
          expires_ms: nowMs + overlapMs,
          last_used_ms: row.last_used_ms,
        })
        .execute()
      const token = newToken('api-key')
      const hash = hashToken(context.secret, token)
      const present = { hash, secret: row.secret + 1, secret_ms: nowMs, last_used_ms: null }
      await db.updateTable('credentials').set(present).where('id', '=', id).execute()
      const record = await keyOf(doing, id)
      const ends = before.secrets.map(({ id: secretId }, i) => ({
        secretId,
        endsMs: i === 0 ? nowMs + overlapMs : nowMs,
      }))
      await note({
        verb: 'rotate',
        type: 'api-key',
        id,
        siteId: null,
        before,
        after: record,
        ...ending(`key:${id}`, ends),
      })
      return { record, token }
    },

    async revokeKey(id) {
      const before = await keyOf(`revoke key ${id}`, id)
      if (before.revokedMs !== null) return
      await db.updateTable('credentials').set({ revoked_ms: nowMs }).where('id', '=', id).execute()
      const change = { before, after: { ...before, revokedMs: nowMs } }
      const end = ending(
        `key:${id}`,
        before.secrets.map((secret) => ({ secretId: secret.id, endsMs: nowMs })),
      )
      await note({ verb: 'revoke', type: 'api-key', id, siteId: null, ...change, ...end })
    },
  }

  async function siteOf(doing: string, deviceId: DeviceId): Promise<SiteId> {
    const device = await db.selectFrom('devices').select('site_id').where('id', '=', deviceId).executeTakeFirst()
    if (device === undefined) throw notFound(doing)
    return device.site_id
  }

  async function newDeviceToken(doing: string, deviceId: DeviceId) {
    if (deviceId === platformDeviceId)
      throw conflict(doing, 'deviceId', 'is the platform itself: nobody connects as it')
    const times = { createdMs: nowMs, expiresMs: null, revokedMs: null, lastUsedMs: null }
    const record: DeviceTokenRecord = { kind: 'device-token', id: newId(), deviceId, ...times }
    const token = newToken('device-token')
    await insert({ ...tokenColumns(record), hash: hashToken(context.secret, token) })
    return { record, token }
  }

  async function insert(row: StateSchema['credentials']): Promise<void> {
    await db.insertInto('credentials').values(row).execute()
  }

  /** Now: it is revoked, and not listed any more; later: it expires. */
  async function endToken(tokenId: string, endsMs: number): Promise<void> {
    const change = endsMs <= nowMs ? { revoked_ms: nowMs } : { expires_ms: endsMs }
    await db.updateTable('credentials').set(change).where('id', '=', tokenId).execute()
  }

  async function endOldSecrets(id: KeyId): Promise<void> {
    await db
      .updateTable('old_secrets')
      .set({ expires_ms: nowMs })
      .where('credential_id', '=', id)
      .where('expires_ms', '>', nowMs)
      .execute()
  }

  async function keyOf(doing: string, id: KeyId) {
    const key = await credentials.getKey(id)
    if (key === undefined) throw notFound(doing)
    return key
  }

  async function keyRow(doing: string, id: KeyId) {
    const row = await db.selectFrom('credentials').selectAll().where('id', '=', id).executeTakeFirst()
    if (row === undefined || row.kind !== 'api-key') throw notFound(doing)
    return row
  }
}

/** What tells the broker, through the log, whom it is to cut off and when. */
function ending(principal: string, ends: CredentialEnds['ends']): Pick<ChangeNote, 'controlTopic' | 'controlPayload'> {
  const controlPayload: CredentialEnds = { principal, ends }
  return { controlTopic: controlTopic.credential(principal), controlPayload }
}

function soonest(expiresMs: number | null, endsMs: number): number {
  return expiresMs === null ? endsMs : Math.min(expiresMs, endsMs)
}

type Columns = Omit<StateSchema['credentials'], 'hash'>

function tokenColumns({ kind, id, deviceId, createdMs }: DeviceTokenRecord): Columns {
  return { ...emptyColumns, id, kind, device_id: deviceId, created_ms: createdMs }
}

function keyColumns(record: ApiKeyRecord): Columns {
  const { kind, id, name, role, sites, scopes, createdMs, expiresMs } = record
  return {
    ...emptyColumns,
    id,
    kind,
    name,
    role,
    sites: JSON.stringify(sites),
    scopes: JSON.stringify(scopes),
    created_ms: createdMs,
    expires_ms: expiresMs,
  }
}

const emptyColumns = {
  device_id: null,
  name: null,
  role: null,
  sites: null,
  scopes: null,
  expires_ms: null,
  revoked_ms: null,
  secret: firstSecret,
  secret_ms: null,
  last_used_ms: null,
} as const
