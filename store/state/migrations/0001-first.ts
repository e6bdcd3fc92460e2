import type { Kysely } from 'kysely'
import type { Migration } from './migration.ts'

/** In the order of their references; `down` drops them in the opposite one. */
const tables = [
  'counters',
  'sites',
  'profiles',
  'assets',
  'devices',
  'series',
  'credentials',
  'people',
  'settings',
  'audit',
  'outbox',
  'positions',
  'rejected',
] as const

/** Names and types that both databases read alike: SQLite keeps blobs as they are in a `bytea` column. */
export const first: Migration = {
  name: '0001-first',

  async up(db) {
    await createThings(db)
    await createPrincipals(db)
    await createRecords(db)
  },

  async down(db) {
    for (const table of tables.toReversed()) await db.schema.dropTable(table).execute()
  },
}

async function createThings(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('counters')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('value', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('sites')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('time_zone', 'text', (column) => column.notNull())
    .addColumn('currency', 'text', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('profiles')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('reporting_interval_ms', 'bigint', (column) => column.notNull())
    .addColumn('metrics', 'text', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('assets')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('site_id', 'text', (column) => column.notNull().references('sites.id'))
    .addColumn('parent_id', 'text', (column) => column.references('assets.id'))
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('rating_kva', 'double precision')
    .addColumn('rating_a', 'double precision')
    .addColumn('attributes', 'text', (column) => column.notNull())
    .addColumn('tags', 'text', (column) => column.notNull())
    .execute()
  await index(db, 'assets', ['site_id', 'id'])
  await index(db, 'assets', ['parent_id', 'id'])
  await db.schema
    .createTable('devices')
    .addColumn('number', 'bigint', (column) => column.notNull().unique())
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('site_id', 'text', (column) => column.notNull().references('sites.id'))
    .addColumn('profile_id', 'text', (column) => column.notNull().references('profiles.id'))
    .addColumn('asset_id', 'text', (column) => column.references('assets.id'))
    .addColumn('gateway_id', 'text', (column) => column.references('devices.id'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('attributes', 'text', (column) => column.notNull())
    .addColumn('tags', 'text', (column) => column.notNull())
    .addColumn('limits', 'text', (column) => column.notNull())
    .execute()
  for (const column of ['site_id', 'profile_id', 'asset_id', 'gateway_id']) await index(db, 'devices', [column, 'id'])
  await db.schema
    .createTable('series')
    .addColumn('id', 'bigint', (column) => column.primaryKey())
    .addColumn('device_number', 'bigint', (column) => column.notNull())
    .addColumn('device_id', 'text', (column) => column.notNull())
    .addColumn('metric', 'text', (column) => column.notNull())
    .addColumn('profile_id', 'text', (column) => column.notNull())
    .addColumn('known', 'integer', (column) => column.notNull())
    .addUniqueConstraint('series_by_device', ['device_number', 'metric'])
    .execute()
  await index(db, 'series', ['profile_id', 'metric'])
}

async function createPrincipals(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('credentials')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('hash', 'bytea', (column) => column.notNull().unique())
    .addColumn('device_id', 'text', (column) => column.references('devices.id'))
    .addColumn('name', 'text')
    .addColumn('role', 'text')
    .addColumn('sites', 'text')
    .addColumn('scopes', 'text')
    .addColumn('created_ms', 'bigint', (column) => column.notNull())
    .addColumn('expires_ms', 'bigint')
    .addColumn('revoked_ms', 'bigint')
    .execute()
  await index(db, 'credentials', ['device_id', 'created_ms'])
  await index(db, 'credentials', ['kind', 'id'])
  await db.schema
    .createTable('people')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('email', 'text', (column) => column.notNull())
    .addColumn('email_folded', 'text', (column) => column.notNull().unique())
    .addColumn('language', 'text', (column) => column.notNull())
    .addColumn('time_zone', 'text')
    .execute()
  await db.schema
    .createTable('settings')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('value', 'text', (column) => column.notNull())
    .execute()
}

async function createRecords(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('audit')
    .addColumn('id', 'bigint', (column) => column.primaryKey())
    .addColumn('time_ms', 'bigint', (column) => column.notNull())
    .addColumn('principal_kind', 'text', (column) => column.notNull())
    .addColumn('principal_id', 'text', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    .addColumn('resource_type', 'text', (column) => column.notNull())
    .addColumn('resource_id', 'text', (column) => column.notNull())
    .addColumn('site_id', 'text')
    .addColumn('before', 'text')
    .addColumn('after', 'text')
    .addColumn('request_id', 'text')
    .addColumn('address', 'text')
    .execute()
  await index(db, 'audit', ['time_ms', 'id'])
  await index(db, 'audit', ['resource_type', 'resource_id', 'time_ms', 'id'])
  await db.schema
    .createTable('outbox')
    .addColumn('id', 'bigint', (column) => column.primaryKey())
    .addColumn('topic', 'text', (column) => column.notNull())
    .addColumn('payload', 'bytea', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('positions')
    .addColumn('consumer', 'text', (column) => column.primaryKey())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('rejected')
    .addColumn('id', 'bigint', (column) => column.primaryKey())
    .addColumn('time_ms', 'bigint', (column) => column.notNull())
    .addColumn('device_id', 'text')
    .addColumn('site_id', 'text')
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('topic', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('detail', 'text', (column) => column.notNull())
    .addColumn('payload', 'bytea', (column) => column.notNull())
    .execute()
  await index(db, 'rejected', ['time_ms', 'id'])
  await index(db, 'rejected', ['device_id', 'time_ms', 'id'])
}

async function index(db: Kysely<unknown>, table: string, columns: string[]): Promise<void> {
  await db.schema.createIndex(`${table}_by_${columns[0]}`).on(table).columns(columns).execute()
}
