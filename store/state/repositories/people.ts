import type { ChangeScope } from '../change.ts'
import { toPage } from '../page.ts'
import type { PersonRecord } from '../records.ts'
import type { Db, StateSchema } from '../schema.ts'
import type { PersonQueries, PersonWrites } from '../state.ts'
import { newId } from '../tokens.ts'
import { patched } from './patched.ts'
import { conflict, notFound } from './refusals.ts'

export function personQueries(db: Db): PersonQueries {
  return {
    async get(id) {
      const row = await db.selectFrom('people').selectAll().where('id', '=', id).executeTakeFirst()
      return row && toPerson(row)
    },

    async findByEmail(email) {
      const row = await db.selectFrom('people').selectAll().where('email_folded', '=', folded(email)).executeTakeFirst()
      return row && toPerson(row)
    },

    async list({ limit, after }) {
      let query = db
        .selectFrom('people')
        .selectAll()
        .orderBy('id')
        .limit(limit + 1)
      if (after !== undefined) query = query.where('id', '>', after)
      return toPage(await query.execute(), limit, { item: toPerson, cursor: (row) => row.id })
    },
  }
}

export function personWrites({ db, note }: ChangeScope): PersonWrites {
  const people = personQueries(db)

  return {
    async create(input) {
      const person = { id: newId(), ...input }
      await refuseTakenEmail(`create person ${input.email}`, person)
      await db.insertInto('people').values(toRow(person)).execute()
      await note({ verb: 'create', type: 'person', id: person.id, siteId: null, after: person })
      return person
    },

    async update(id, patch) {
      const doing = `update person ${id}`
      const before = await people.get(id)
      if (before === undefined) throw notFound(doing)
      const after = patched(before, patch)
      if (after === undefined) return before
      await refuseTakenEmail(doing, after)
      await db.updateTable('people').set(toRow(after)).where('id', '=', id).execute()
      await note({ verb: 'update', type: 'person', id, siteId: null, before, after })
      return after
    },

    async remove(id) {
      const before = await people.get(id)
      if (before === undefined) throw notFound(`remove person ${id}`)
      await db.deleteFrom('people').where('id', '=', id).execute()
      await note({ verb: 'remove', type: 'person', id, siteId: null, before })
    },
  }

  async function refuseTakenEmail(doing: string, person: PersonRecord): Promise<void> {
    const holder = await people.findByEmail(person.email)
    if (holder !== undefined && holder.id !== person.id) throw conflict(doing, 'email', 'is taken')
  }
}

/** Folded here and not in SQL: SQLite's `lower` knows ASCII only. */
function folded(email: string): string {
  return email.normalize('NFC').toLowerCase()
}

function toPerson(row: StateSchema['people']): PersonRecord {
  return { id: row.id, name: row.name, email: row.email, language: row.language, timeZone: row.time_zone }
}

function toRow(person: PersonRecord): StateSchema['people'] {
  return {
    id: person.id,
    name: person.name,
    email: person.email,
    email_folded: folded(person.email),
    language: person.language,
    time_zone: person.timeZone,
  }
}
