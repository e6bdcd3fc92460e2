import { type Kysely, sql } from 'kysely'
import { auditHash, genesisHash } from '../audit/chain.ts'
import type { StateSchema } from '../schema.ts'
import type { Migration } from './migration.ts'

const rowsPerPage = 1_000

/** What was there is chained as it is found: from here on a change shows, of before nobody can know. */
export const auditChain: Migration = {
  name: '0003-audit-chain',

  async up(db) {
    for (const column of ['previous_hash', 'hash'])
      await db.schema
        .alterTable('audit')
        .addColumn(column, 'text', (text) => text.notNull().defaultTo(''))
        .execute()
    await chainRows(db.withTables<Pick<StateSchema, 'audit'>>())
    await db.schema.createIndex('audit_by_hash').unique().on('audit').column('hash').execute()
    await db.schema.dropIndex('audit_by_resource_type').execute()
    for (const column of searched) await index(db, column, [column, 'time_ms', 'id'])
    await createAnchor(db)
    for (const trigger of triggers) await sql.raw(trigger).execute(db)
  },

  async down(db) {
    for (const trigger of triggers) await sql.raw(`drop trigger ${trigger.split(' ')[2]}`).execute(db)
    await db.schema.dropTable('audit_anchor').execute()
    for (const column of searched) await db.schema.dropIndex(`audit_by_${column}`).execute()
    await index(db, 'resource_type', ['resource_type', 'resource_id', 'time_ms', 'id'])
    await db.schema.dropIndex('audit_by_hash').execute()
    for (const column of ['hash', 'previous_hash']) await db.schema.alterTable('audit').dropColumn(column).execute()
  },
}

async function chainRows(db: Kysely<Pick<StateSchema, 'audit'>>): Promise<void> {
  let last = { id: 0, hash: genesisHash }
  for (;;) {
    const page = db.selectFrom('audit').selectAll().where('id', '>', last.id).orderBy('id').limit(rowsPerPage)
    const rows = await page.execute()
    for (const row of rows) {
      const hash = auditHash(last.hash, row)
      await db.updateTable('audit').set({ previous_hash: last.hash, hash }).where('id', '=', row.id).execute()
      last = { id: row.id, hash }
    }
    if (rows.length < rowsPerPage) return
  }
}

/** What a search can begin with; the first migration made the index by time alone. */
const searched = ['resource_id', 'resource_type', 'principal_id', 'site_id'] as const

async function index(db: Kysely<unknown>, name: string, columns: string[]): Promise<void> {
  await db.schema.createIndex(`audit_by_${name}`).on('audit').columns(columns).execute()
}

async function createAnchor(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('audit_anchor')
    .addColumn('through_id', 'bigint', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('removed_ms', 'bigint')
    .execute()
  await db
    .withTables<Pick<StateSchema, 'audit_anchor'>>()
    .insertInto('audit_anchor')
    .values({ through_id: 0, hash: genesisHash, removed_ms: null })
    .execute()
}

/**
 * Triggers are what the databases do not write alike: these are SQLite's, and PostgreSQL's come with its adapter. They keep
 * mistakes out; who may drop them is found by the chain. INSERT is watched too, because INSERT OR REPLACE removes a row without
 * its DELETE trigger. Rows up to the anchor may go, and the anchor only moves forward, onto a row that is there.
 */
const triggers = [
  `create trigger audit_insert before insert on audit
  when new.id <> coalesce((select max(id) from audit), (select through_id from audit_anchor)) + 1
    or new.previous_hash <> coalesce((select hash from audit order by id desc limit 1), (select hash from audit_anchor))
    or length(new.hash) <> 64
  begin select raise(abort, 'the audit log is continued at its end only'); end`,
  `create trigger audit_update before update on audit
  begin select raise(abort, 'the audit log is never changed'); end`,
  `create trigger audit_delete before delete on audit when old.id > (select through_id from audit_anchor)
  begin select raise(abort, 'the audit log is never shortened but by retention'); end`,
  `create trigger audit_anchor_insert before insert on audit_anchor
  begin select raise(abort, 'the audit log has one anchor'); end`,
  `create trigger audit_anchor_update before update on audit_anchor
  when new.through_id <= old.through_id
    or not exists (select 1 from audit where id = new.through_id and hash = new.hash)
  begin select raise(abort, 'the anchor of the audit log moves forward onto one of its rows'); end`,
  `create trigger audit_anchor_delete before delete on audit_anchor
  begin select raise(abort, 'the audit log has one anchor'); end`,
]
