import type { Kysely } from 'kysely'
import type { Migration } from './migration.ts'

/** Columns that `people` had not; the last three are the account library's (docs/decisions/0014-people-by-a-library.md). */
const personColumns = [
  'role',
  'sites',
  'disabled_ms',
  'created_ms',
  'last_sign_in_ms',
  'email_verified',
  'two_factor_enabled',
  'updated_at',
] as const

/** In the order of their references; `down` drops them in the opposite one. */
const tables = ['auth_sessions', 'auth_accounts', 'auth_two_factors', 'auth_verifications', 'account_links'] as const

/**
 * People who sign in. The tables `auth_…` are written by the account library: its times are texts (RFC 3339 in UTC), its
 * truths 0 and 1, on every database alike.
 */
export const accounts: Migration = {
  name: '0007-accounts',

  async up(db) {
    await growPeople(db)
    await createLibraryTables(db)
    await createLinks(db)
  },

  async down(db) {
    for (const table of tables.toReversed()) await db.schema.dropTable(table).execute()
    for (const column of personColumns.toReversed()) await db.schema.alterTable('people').dropColumn(column).execute()
  },
}

async function growPeople(db: Kysely<unknown>): Promise<void> {
  const people = db.schema.alterTable('people')
  await people.addColumn('role', 'text', (column) => column.notNull().defaultTo('viewer')).execute()
  await people.addColumn('sites', 'text', (column) => column.notNull().defaultTo('[]')).execute()
  await people.addColumn('disabled_ms', 'bigint').execute()
  await people.addColumn('created_ms', 'bigint', (column) => column.notNull().defaultTo(0)).execute()
  await people.addColumn('last_sign_in_ms', 'bigint').execute()
  await people.addColumn('email_verified', 'integer', (column) => column.notNull().defaultTo(0)).execute()
  await people.addColumn('two_factor_enabled', 'integer', (column) => column.notNull().defaultTo(0)).execute()
  await people.addColumn('updated_at', 'text').execute()
}

async function createLibraryTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('auth_sessions')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('token', 'text', (column) => column.notNull().unique())
    .addColumn('person_id', 'text', (column) => column.notNull().references('people.id').onDelete('cascade'))
    .addColumn('expires_at', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'text', (column) => column.notNull())
    .addColumn('ip_address', 'text')
    .addColumn('user_agent', 'text')
    .execute()
  await index(db, 'auth_sessions', ['person_id'])
  await index(db, 'auth_sessions', ['expires_at'])
  await db.schema
    .createTable('auth_accounts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('provider_id', 'text', (column) => column.notNull())
    .addColumn('person_id', 'text', (column) => column.notNull().references('people.id').onDelete('cascade'))
    .addColumn('access_token', 'text')
    .addColumn('refresh_token', 'text')
    .addColumn('id_token', 'text')
    .addColumn('access_token_expires_at', 'text')
    .addColumn('refresh_token_expires_at', 'text')
    .addColumn('scope', 'text')
    .addColumn('password', 'text')
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'text', (column) => column.notNull())
    .addUniqueConstraint('auth_accounts_once', ['provider_id', 'account_id'])
    .execute()
  await index(db, 'auth_accounts', ['person_id'])
  await db.schema
    .createTable('auth_two_factors')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('person_id', 'text', (column) => column.notNull().unique().references('people.id').onDelete('cascade'))
    .addColumn('secret', 'text', (column) => column.notNull())
    .addColumn('backup_codes', 'text', (column) => column.notNull())
    .addColumn('verified', 'integer')
    .addColumn('failed_verification_count', 'integer')
    .addColumn('locked_until', 'text')
    .execute()
  await db.schema
    .createTable('auth_verifications')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('identifier', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'text', (column) => column.notNull())
    .execute()
  await index(db, 'auth_verifications', ['identifier'])
  await index(db, 'auth_verifications', ['expires_at'])
}

/** The token itself is nowhere: it is computed from the row and the platform's secret. */
async function createLinks(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('account_links')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('purpose', 'text', (column) => column.notNull())
    .addColumn('person_id', 'text', (column) => column.references('people.id').onDelete('cascade'))
    .addColumn('created_ms', 'bigint', (column) => column.notNull())
    .addColumn('expires_ms', 'bigint', (column) => column.notNull())
    .execute()
  await index(db, 'account_links', ['person_id'])
}

async function index(db: Kysely<unknown>, table: string, columns: string[]): Promise<void> {
  await db.schema.createIndex(`${table}_by_${columns[0]}`).on(table).columns(columns).execute()
}
