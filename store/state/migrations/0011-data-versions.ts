import type { Migration } from './migration.ts'

/** What is counted up with every write to a kind of data. */
export const dataVersions: Migration = {
  name: '0011-data-versions',

  async up(db) {
    await db.schema
      .createTable('data_versions')
      .addColumn('kind', 'text', (column) => column.primaryKey())
      .addColumn('version', 'bigint', (column) => column.notNull())
      .execute()
  },

  async down(db) {
    await db.schema.dropTable('data_versions').execute()
  },
}
