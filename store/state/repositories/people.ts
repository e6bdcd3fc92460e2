import { sql } from 'kysely'
import type { ChangeScope } from '../change.ts'
import { parseSiteScope } from '../columns.ts'
import { toPage } from '../page.ts'
import { type PersonPatch, type PersonRecord, signInWays } from '../records.ts'
import type { Db, StateSchema } from '../schema.ts'
import type { PersonQueries, PersonWrites } from '../state.ts'
import { newId } from '../tokens.ts'
import { patched } from './patched.ts'
import { conflict, notFound } from './refusals.ts'

/** The account library's name for an account that is a password. */
export const passwordProvider = 'credential'

export function personQueries(db: Db): PersonQueries {
  const people = () =>
    db
      .selectFrom('people')
      .selectAll()
      .select((eb) => {
        const accounts = eb.selectFrom('auth_accounts').whereRef('auth_accounts.person_id', '=', 'people.id')
        const ofPassword = eb.fn.sum<number>(sql`case when provider_id = ${passwordProvider} then 1 else 0 end`)
        return [
          accounts.select(ofPassword.as('passwords')).as('passwords'),
          accounts.select((of) => of.fn.countAll<number>().as('accounts')).as('accounts'),
        ]
      })

  return {
    async get(id) {
      const row = await people().where('people.id', '=', id).executeTakeFirst()
      return row && toPerson(row)
    },

    async findByEmail(email) {
      const row = await people().where('email_folded', '=', folded(email)).executeTakeFirst()
      return row && toPerson(row)
    },

    async list({ limit, after }) {
      let query = people()
        .orderBy('people.id')
        .limit(limit + 1)
      if (after !== undefined) query = query.where('people.id', '>', after)
      return toPage(await query.execute(), limit, { item: toPerson, cursor: (row) => row.id })
    },
  }
}

export function personWrites({ db, nowMs, note }: ChangeScope): PersonWrites {
  const people = personQueries(db)

  return {
    async create(input) {
      const person: PersonRecord = {
        id: newId(),
        ...input,
        disabledMs: null,
        createdMs: nowMs,
        lastSignInMs: null,
        signInWays: [],
        hasSecondFactor: false,
      }
      await refuseTakenEmail(`create person ${input.email}`, person)
      await db.insertInto('people').values(toNewRow(person)).execute()
      await note({ verb: 'create', type: 'person', id: person.id, siteId: null, after: person })
      return person
    },

    async update(id, patch) {
      const doing = `update person ${id}`
      const before = await people.get(id)
      if (before === undefined) throw notFound(doing)
      const after = patched(before, withDisabledMs(before, patch))
      if (after === undefined) return before
      await refuseTakenEmail(doing, after)
      if (!isWholeAdmin(after)) await refuseLastAdmin(doing, before)
      await db.updateTable('people').set(toRow(after)).where('id', '=', id).execute()
      if (after.disabledMs !== null) {
        await db.deleteFrom('auth_sessions').where('person_id', '=', id).execute()
        await db.deleteFrom('account_links').where('person_id', '=', id).execute()
      }
      await note({ verb: 'update', type: 'person', id, siteId: null, before, after })
      return after
    },

    async remove(id) {
      const doing = `remove person ${id}`
      const before = await people.get(id)
      if (before === undefined) throw notFound(doing)
      await refuseLastAdmin(doing, before)
      // Sessions, passwords and links go with it: their rows refer to it.
      await db.deleteFrom('people').where('id', '=', id).execute()
      await note({ verb: 'remove', type: 'person', id, siteId: null, before })
    },
  }

  function withDisabledMs(before: PersonRecord, { disabled, ...patch }: PersonPatch) {
    if (disabled === undefined || disabled === (before.disabledMs !== null)) return patch
    return { ...patch, disabledMs: disabled ? nowMs : null }
  }

  /** Nobody could let anybody in any more. */
  async function refuseLastAdmin(doing: string, person: PersonRecord): Promise<void> {
    if (!isWholeAdmin(person)) return
    const other = await db
      .selectFrom('people')
      .select('people.id')
      .innerJoin('auth_accounts', 'auth_accounts.person_id', 'people.id')
      .where('people.id', '<>', person.id)
      .where('role', '=', 'admin')
      .where('sites', '=', allSites)
      .where('disabled_ms', 'is', null)
      .executeTakeFirst()
    if (other === undefined) throw conflict(doing, 'role', 'is that of the last admin of all sites who can sign in')
  }

  async function refuseTakenEmail(doing: string, person: PersonRecord): Promise<void> {
    const holder = await people.findByEmail(person.email)
    if (holder !== undefined && holder.id !== person.id) throw conflict(doing, 'email', 'is taken')
  }
}

const allSites = JSON.stringify('all')

/** Somebody who can let others in again. */
function isWholeAdmin({ role, sites, disabledMs, signInWays }: PersonRecord): boolean {
  return role === 'admin' && sites === 'all' && disabledMs === null && signInWays.length > 0
}

/** Folded here and not in SQL: SQLite's `lower` knows ASCII only. */
function folded(email: string): string {
  return email.normalize('NFC').toLowerCase()
}

type Row = StateSchema['people']

function toPerson(row: Row & { readonly passwords: number | null; readonly accounts: number | null }): PersonRecord {
  const passwords = row.passwords ?? 0
  const others = (row.accounts ?? 0) - passwords
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    language: row.language,
    timeZone: row.time_zone,
    role: row.role,
    sites: parseSiteScope(row.sites),
    disabledMs: row.disabled_ms,
    createdMs: row.created_ms,
    lastSignInMs: row.last_sign_in_ms,
    signInWays: signInWays.filter((way) => (way === 'password' ? passwords > 0 : others > 0)),
    hasSecondFactor: row.two_factor_enabled === 1,
  }
}

/** What people decide; the rest is written where it happens. */
function toRow(person: PersonRecord) {
  return {
    name: person.name,
    email: person.email,
    email_folded: folded(person.email),
    language: person.language,
    time_zone: person.timeZone,
    role: person.role,
    sites: JSON.stringify(person.sites),
    disabled_ms: person.disabledMs,
  }
}

function toNewRow(person: PersonRecord): Row {
  return {
    id: person.id,
    ...toRow(person),
    created_ms: person.createdMs,
    last_sign_in_ms: null,
    email_verified: 0,
    two_factor_enabled: 0,
    updated_at: null,
  }
}
