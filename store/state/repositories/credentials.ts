import type { KeyObject } from 'node:crypto'
import { AppError, parseKeyId } from '../../../model/index.ts'
import { parseSiteScope, parseTexts } from '../columns.ts'
import { toPage } from '../page.ts'
import { prepared } from '../prepared.ts'
import type {
  ApiKeyRecord,
  ApiKeyWithSecrets,
  CredentialRecord,
  DeviceTokenRecord,
  KeySecretRecord,
  VerifiedCredential,
} from '../records.ts'
import type { Db, StateSchema } from '../schema.ts'
import type { CredentialQueries } from '../state.ts'
import { hashToken, sameHash } from '../tokens.ts'

/** Longer than any token; what is longer is not worth a hash. */
export const maxTokenLength = 256

export interface CredentialContext {
  readonly secret: KeyObject
  /** Epoch ms. */
  readonly now: () => number
}

type Row = StateSchema['credentials']
type OldSecretRow = StateSchema['old_secrets']

export function credentialQueries(db: Db, { secret, now }: CredentialContext): CredentialQueries {
  const byHash = prepared(db, (hash: Uint8Array) => db.selectFrom('credentials').selectAll().where('hash', '=', hash))

  return {
    async verify(token) {
      if (token.length > maxTokenLength) return undefined
      const hash = hashToken(secret, token)
      const [row] = await byHash(hash)
      if (row !== undefined)
        return sameHash(row.hash, hash) ? ifGood(toVerified(row, row.secret, row.expires_ms), now()) : undefined
      return verifyOld(hash)
    },

    async isKnown(token) {
      const hash = hashToken(secret, token)
      for (const table of ['credentials', 'old_secrets'] as const)
        if ((await db.selectFrom(table).select('hash').where('hash', '=', hash).executeTakeFirst()) !== undefined)
          return true
      return false
    },

    async getKey(id) {
      const row = await db
        .selectFrom('credentials')
        .selectAll()
        .where('kind', '=', 'api-key')
        .where('id', '=', id)
        .executeTakeFirst()
      return row && withSecrets(row, await oldSecrets([row]))
    },

    async listKeys({ limit, after }) {
      let query = db
        .selectFrom('credentials')
        .selectAll()
        .where('kind', '=', 'api-key')
        .orderBy('id')
        .limit(limit + 1)
      if (after !== undefined) query = query.where('id', '>', after)
      const rows = await query.execute()
      const old = await oldSecrets(rows)
      return toPage(rows, limit, { item: (row) => withSecrets(row, old), cursor: (row) => row.id })
    },

    async deviceTokens(deviceId) {
      const rows = await db
        .selectFrom('credentials')
        .selectAll()
        .where('device_id', '=', deviceId)
        .where('revoked_ms', 'is', null)
        .where((eb) => eb.or([eb('expires_ms', 'is', null), eb('expires_ms', '>', now())]))
        .orderBy('created_ms')
        .orderBy('id')
        .execute()
      return rows.map((row) => toDeviceToken(row))
    },

    async revokedCertificates(deviceId) {
      const rows = await db
        .selectFrom('revoked_certificates')
        .selectAll()
        .where('device_id', '=', deviceId)
        .orderBy('revoked_ms', 'desc')
        .orderBy('fingerprint')
        .execute()
      return rows.map(({ fingerprint, revoked_ms: revokedMs }) => ({ fingerprint, revokedMs }))
    },

    async isCertificateRevoked(deviceId, fingerprint) {
      const row = await db
        .selectFrom('revoked_certificates')
        .select('fingerprint')
        .where('device_id', '=', deviceId)
        .where('fingerprint', '=', fingerprint)
        .executeTakeFirst()
      return row !== undefined
    },
  }

  async function verifyOld(hash: Buffer): Promise<VerifiedCredential | undefined> {
    const old = await db.selectFrom('old_secrets').selectAll().where('hash', '=', hash).executeTakeFirst()
    if (old === undefined || !sameHash(old.hash, hash) || now() >= old.expires_ms) return undefined
    const row = await db.selectFrom('credentials').selectAll().where('id', '=', old.credential_id).executeTakeFirst()
    return row && ifGood(toVerified(row, old.secret, Math.min(old.expires_ms, row.expires_ms ?? old.expires_ms)), now())
  }

  /** Those that hold, of any of the keys. */
  async function oldSecrets(keys: readonly Row[]): Promise<readonly OldSecretRow[]> {
    if (keys.length === 0) return []
    const rotated = keys.filter((row) => row.secret > 1).map((row) => row.id)
    if (rotated.length === 0) return []
    return await db
      .selectFrom('old_secrets')
      .selectAll()
      .where('credential_id', 'in', rotated)
      .where('expires_ms', '>', now())
      .orderBy('secret', 'desc')
      .execute()
  }
}

function ifGood(credential: VerifiedCredential, nowMs: number): VerifiedCredential | undefined {
  const { revokedMs, goodUntilMs } = credential
  return revokedMs === null && (goodUntilMs === null || nowMs < goodUntilMs) ? credential : undefined
}

function toVerified(row: Row, secret: number, goodUntilMs: number | null): VerifiedCredential {
  const credential = toCredential(row)
  const secretId = credential.kind === 'api-key' ? keySecretId(row.id, secret) : row.id
  return { ...credential, secretId, goodUntilMs }
}

/** A device's token is a secret of its own; a key has one after the other. No id of a credential has a dot. */
export function keySecretId(keyId: string, secret: number): string {
  return `${keyId}.${secret}`
}

export function secretOf(secretId: string): { readonly credentialId: string; readonly secret: number } {
  const [credentialId = '', secret = '1'] = secretId.split('.')
  return { credentialId, secret: Number(secret) }
}

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
  const { id, device_id: deviceId, last_used_ms: lastUsedMs } = row
  return { kind: 'device-token', id, deviceId, ...toTimes(row), lastUsedMs }
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

function withSecrets(row: Row, old: readonly OldSecretRow[]): ApiKeyWithSecrets {
  const present: KeySecretRecord = {
    id: keySecretId(row.id, row.secret),
    createdMs: row.secret_ms ?? row.created_ms,
    expiresMs: null,
    lastUsedMs: row.last_used_ms,
  }
  const former = old.filter(({ credential_id }) => credential_id === row.id).map(toOldSecret)
  return { ...toKey(row), secrets: [present, ...former] }
}

function toOldSecret(row: OldSecretRow): KeySecretRecord {
  const { credential_id, secret, created_ms: createdMs, expires_ms: expiresMs, last_used_ms: lastUsedMs } = row
  return { id: keySecretId(credential_id, secret), createdMs, expiresMs, lastUsedMs }
}

function toTimes(row: Row) {
  return { createdMs: row.created_ms, expiresMs: row.expires_ms, revokedMs: row.revoked_ms }
}

function damaged(row: Row, what: string): AppError {
  return new AppError('store_failed', `read credential ${row.id} failed: ${what}`)
}
