import { createHmac, type KeyObject } from 'node:crypto'
import type { AccountLinkQueries, AccountLinkWrites, LinkRecord } from '../account-store.ts'
import type { ChangeScope } from '../change.ts'
import type { Db, StateSchema } from '../schema.ts'
import { newId, sameHash } from '../tokens.ts'
import { invalid } from './refusals.ts'

const maxPerPerson = 5
const prefix = 'pel_link_'
/** The id, and 256 bits in base64url. */
const tokenPattern = new RegExp(`^${prefix}([a-z2-7]{12})([A-Za-z0-9_-]{43})$`)

export interface LinkContext {
  /** Of the platform, for nothing but links. */
  readonly linkSecret: KeyObject
  readonly now: () => number
}

/**
 * A link's token is its id and a code over everything that the link is, made with a secret that is not in the database: whoever
 * reads that cannot make one, and a row that was tampered with has none.
 */
export function tokenOf(secret: KeyObject, link: LinkRecord): string {
  return `${prefix}${link.id}${codeOf(secret, link).toString('base64url')}`
}

function codeOf(secret: KeyObject, { id, purpose, personId, createdMs, expiresMs }: LinkRecord): Buffer {
  const text = JSON.stringify([id, purpose, personId, createdMs, expiresMs])
  return createHmac('sha256', secret).update(text).digest()
}

export function accountLinkQueries(
  db: Db,
  { linkSecret, now }: LinkContext,
): AccountLinkQueries & { get(id: string): Promise<LinkRecord | undefined> } {
  return {
    /** Only one that is still good. */
    async get(id) {
      const row = await db.selectFrom('account_links').selectAll().where('id', '=', id).executeTakeFirst()
      return row === undefined || row.expires_ms <= now() ? undefined : toLink(row)
    },

    async find(token) {
      const [, id, code] = tokenPattern.exec(token) ?? []
      if (id === undefined || code === undefined) return undefined
      const row = await db.selectFrom('account_links').selectAll().where('id', '=', id).executeTakeFirst()
      if (row === undefined) return undefined
      const link = toLink(row)
      const right = sameHash(Buffer.from(code, 'base64url'), codeOf(linkSecret, link))
      return right && now() < link.expiresMs ? link : undefined
    },
  }
}

export function accountLinkWrites({ db, nowMs, note }: ChangeScope, context: LinkContext): AccountLinkWrites {
  const links = accountLinkQueries(db, context)

  return {
    async issue(purpose, personId, lifetimeMs) {
      const record: LinkRecord = { id: newId(), purpose, personId, createdMs: nowMs, expiresMs: nowMs + lifetimeMs }
      await db.deleteFrom('account_links').where('expires_ms', '<=', nowMs).execute()
      await makeRoom(personId)
      await db.insertInto('account_links').values(toRow(record)).execute()
      await note({ verb: 'issue', type: 'link', id: record.id, siteId: null, after: record })
      return { record, token: tokenOf(context.linkSecret, record) }
    },

    async redeem(token) {
      const link = await links.find(token)
      if (link === undefined) throw invalid('use link', 'token', 'is wrong, used or expired')
      await db.deleteFrom('account_links').where('id', '=', link.id).execute()
      return link
    },
  }

  async function makeRoom(personId: string | null): Promise<void> {
    if (personId === null) {
      await db.deleteFrom('account_links').where('person_id', 'is', null).execute()
      return
    }
    const beyond = await db
      .selectFrom('account_links')
      .select('id')
      .where('person_id', '=', personId)
      .orderBy('created_ms', 'desc')
      .orderBy('id')
      .offset(maxPerPerson - 1)
      .limit(1_000)
      .execute()
    for (const { id } of beyond) await db.deleteFrom('account_links').where('id', '=', id).execute()
  }
}

function toLink(row: StateSchema['account_links']): LinkRecord {
  const { id, purpose, person_id: personId, created_ms: createdMs, expires_ms: expiresMs } = row
  return { id, purpose, personId, createdMs, expiresMs }
}

function toRow({ id, purpose, personId, createdMs, expiresMs }: LinkRecord): StateSchema['account_links'] {
  return { id, purpose, person_id: personId, created_ms: createdMs, expires_ms: expiresMs }
}
