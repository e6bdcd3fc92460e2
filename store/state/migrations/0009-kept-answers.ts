import type { Migration } from './migration.ts'

/** What was answered to requests that name themselves, so that they can be sent again. */
export const keptAnswers: Migration = {
  name: '0009-kept-answers',

  async up(db) {
    await db.schema
      .createTable('kept_answers')
      .addColumn('principal', 'text', (column) => column.notNull())
      .addColumn('key_hash', 'bytea', (column) => column.notNull())
      .addColumn('request_hash', 'bytea', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('content', 'bytea', (column) => column.notNull())
      .addColumn('size_bytes', 'integer', (column) => column.notNull())
      .addColumn('created_ms', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('kept_answers_key', ['principal', 'key_hash'])
      .execute()
    await db.schema
      .createIndex('kept_answers_by_principal')
      .on('kept_answers')
      .columns(['principal', 'created_ms'])
      .execute()
    await db.schema.createIndex('kept_answers_by_time').on('kept_answers').column('created_ms').execute()
  },

  async down(db) {
    await db.schema.dropTable('kept_answers').execute()
  },
}
