import type { Migration } from './migration.ts'

/** When credentials were last used, and secrets of keys that follow each other. */
export const secrets: Migration = {
  name: '0005-secrets',

  async up(db) {
    await db.schema
      .alterTable('credentials')
      .addColumn('secret', 'bigint', (column) => column.notNull().defaultTo(1))
      .execute()
    for (const column of ['secret_ms', 'last_used_ms'])
      await db.schema.alterTable('credentials').addColumn(column, 'bigint').execute()
    await db.schema
      .createTable('old_secrets')
      .addColumn('hash', 'bytea', (column) => column.primaryKey())
      .addColumn('credential_id', 'text', (column) => column.notNull().references('credentials.id'))
      .addColumn('secret', 'bigint', (column) => column.notNull())
      .addColumn('created_ms', 'bigint', (column) => column.notNull())
      .addColumn('expires_ms', 'bigint', (column) => column.notNull())
      .addColumn('last_used_ms', 'bigint')
      .execute()
    await db.schema
      .createIndex('old_secrets_by_credential_id')
      .on('old_secrets')
      .columns(['credential_id', 'expires_ms'])
      .execute()
  },

  async down(db) {
    await db.schema.dropTable('old_secrets').execute()
    for (const column of ['last_used_ms', 'secret_ms', 'secret'])
      await db.schema.alterTable('credentials').dropColumn(column).execute()
  },
}
