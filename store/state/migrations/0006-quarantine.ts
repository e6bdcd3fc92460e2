import type { Migration } from './migration.ts'

/** JSON of why, since when and by whom a device is kept out; null: it is not. */
export const quarantine: Migration = {
  name: '0006-quarantine',

  async up(db) {
    await db.schema.alterTable('devices').addColumn('quarantine', 'text').execute()
  },

  async down(db) {
    await db.schema.alterTable('devices').dropColumn('quarantine').execute()
  },
}
