import type { Migration } from './migration.ts'

export const service: Migration = {
  name: '0004-service',

  async up(db) {
    await db.schema
      .createTable('service_counts')
      .addColumn('resolution', 'text', (column) => column.notNull())
      .addColumn('measure', 'text', (column) => column.notNull())
      .addColumn('start_ms', 'bigint', (column) => column.notNull())
      .addColumn('total', 'bigint', (column) => column.notNull())
      .addColumn('bad', 'bigint', (column) => column.notNull())
      .addColumn('steps', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('service_counts_key', ['resolution', 'measure', 'start_ms'])
      .execute()
    await db.schema
      .createTable('service_spans')
      .addColumn('started_ms', 'bigint', (column) => column.primaryKey())
      .addColumn('last_ms', 'bigint', (column) => column.notNull())
      .execute()
  },

  async down(db) {
    await db.schema.dropTable('service_spans').execute()
    await db.schema.dropTable('service_counts').execute()
  },
}
