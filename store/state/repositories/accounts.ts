import type { AccountQueries, AccountWrites, SessionRecord } from '../account-store.ts'
import type { ChangeScope } from '../change.ts'
import { type PersonRecord, signInWays } from '../records.ts'
import type { Db, StateSchema } from '../schema.ts'
import { newId } from '../tokens.ts'
import { passwordProvider, personQueries } from './people.ts'
import { conflict, notFound } from './refusals.ts'

const maxSessions = 50

export function accountQueries(db: Db, now: () => number): AccountQueries {
  return {
    async findSession(token) {
      const row = await db
        .selectFrom('auth_sessions')
        .selectAll()
        .where('token', '=', token)
        .where('expires_at', '>', toText(now()))
        .executeTakeFirst()
      return row && toSession(row)
    },

    async sessions(personId) {
      const rows = await db
        .selectFrom('auth_sessions')
        .selectAll()
        .where('person_id', '=', personId)
        .where('expires_at', '>', toText(now()))
        .orderBy('created_at', 'desc')
        .orderBy('id')
        .limit(maxSessions)
        .execute()
      return rows.map(toSession)
    },

    async hasAdmin() {
      return (await db.selectFrom('people').select('id').where('role', '=', 'admin').executeTakeFirst()) !== undefined
    },
  }
}

export function accountWrites({ db, nowMs, note }: ChangeScope): AccountWrites {
  const people = personQueries(db)
  const accounts = accountQueries(db, () => nowMs)

  async function known(doing: string, id: string): Promise<PersonRecord> {
    const person = await people.get(id)
    if (person === undefined) throw notFound(`${doing} ${id}`)
    return person
  }

  return {
    async noteSignIn(id, signIn) {
      await known('sign in person', id)
      await db.updateTable('people').set({ last_sign_in_ms: nowMs }).where('id', '=', id).execute()
      await dropSessionsBeyond(id)
      await note({ verb: 'sign-in', type: 'person', id, siteId: null, after: signIn })
    },

    async noteSignOut(id, sessionId) {
      await note({ verb: 'sign-out', type: 'person', id, siteId: null, before: { sessionId } })
    },

    async noteRefusedSignIns(id, failures) {
      await note({ verb: 'refuse-sign-in', type: 'person', id, siteId: null, after: { failures } })
    },

    async setPassword(id, hash, keepSessionId) {
      const person = await known('set password of person', id)
      const time = toText(nowMs)
      await db
        .insertInto('auth_accounts')
        .values({
          id: newId(),
          account_id: id,
          provider_id: passwordProvider,
          person_id: id,
          password: hash,
          created_at: time,
          updated_at: time,
        })
        .onConflict((taken) =>
          taken.columns(['provider_id', 'account_id']).doUpdateSet({ password: hash, updated_at: time }),
        )
        .execute()
      await deleteSessions(id, keepSessionId)
      await db.deleteFrom('account_links').where('person_id', '=', id).execute()
      const after: PersonRecord = {
        ...person,
        signInWays: signInWays.filter((way) => way === 'password' || person.signInWays.includes(way)),
      }
      await note({ verb: 'set-password', type: 'person', id, siteId: null, before: person, after })
      return after
    },

    async noteSecondFactor(id, change) {
      await known('note second factor of person', id)
      await note({ verb: 'update', type: 'second-factor', id, siteId: null, after: { change } })
    },

    async removeSecondFactor(id) {
      const doing = `remove second factor of person ${id}`
      const person = await known('remove second factor of person', id)
      if (!person.hasSecondFactor) throw conflict(doing, 'secondFactor', 'is not enabled')
      await db.deleteFrom('auth_two_factors').where('person_id', '=', id).execute()
      await db.updateTable('people').set({ two_factor_enabled: 0 }).where('id', '=', id).execute()
      await note({ verb: 'remove', type: 'second-factor', id, siteId: null })
      return { ...person, hasSecondFactor: false }
    },

    async endSession(id, sessionId) {
      const session = (await accounts.sessions(id)).find((one) => one.id === sessionId)
      if (session === undefined) throw notFound(`end session ${sessionId} of person ${id}`)
      await db.deleteFrom('auth_sessions').where('id', '=', sessionId).execute()
      await note({ verb: 'end', type: 'session', id: sessionId, siteId: null, before: session })
    },

    async endSessions(id, keepSessionId) {
      await known('end sessions of person', id)
      const ended = await deleteSessions(id, keepSessionId)
      if (ended > 0) await note({ verb: 'end-sessions', type: 'person', id, siteId: null, before: { sessions: ended } })
      return ended
    },
  }

  /** Sign-ins that still wait for a code end too: they come from the old password. */
  async function deleteSessions(id: string, keepSessionId: string | undefined): Promise<number> {
    await db.deleteFrom('auth_verifications').where('value', '=', id).execute()
    let query = db.deleteFrom('auth_sessions').where('person_id', '=', id)
    if (keepSessionId !== undefined) query = query.where('id', '<>', keepSessionId)
    return Number((await query.executeTakeFirst()).numDeletedRows)
  }

  async function dropSessionsBeyond(id: string): Promise<void> {
    await db.deleteFrom('auth_sessions').where('expires_at', '<=', toText(nowMs)).execute()
    const beyond = await db
      .selectFrom('auth_sessions')
      .select('id')
      .where('person_id', '=', id)
      .orderBy('created_at', 'desc')
      .offset(maxSessions)
      .limit(1_000)
      .execute()
    for (const session of beyond) await db.deleteFrom('auth_sessions').where('id', '=', session.id).execute()
  }
}

/** As the account library writes times. */
function toText(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

function toSession(row: StateSchema['auth_sessions']): SessionRecord {
  return {
    id: row.id,
    personId: row.person_id,
    createdMs: Date.parse(row.created_at),
    expiresMs: Date.parse(row.expires_at),
    address: row.ip_address === '' ? null : row.ip_address,
    userAgent: row.user_agent === '' ? null : row.user_agent,
  }
}
