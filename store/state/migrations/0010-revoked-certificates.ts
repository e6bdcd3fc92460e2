import type { Migration } from './migration.ts'

/** Client certificates that are good for nothing any more. */
export const revokedCertificates: Migration = {
  name: '0010-revoked-certificates',

  async up(db) {
    await db.schema
      .createTable('revoked_certificates')
      .addColumn('device_id', 'text', (column) => column.notNull().references('devices.id'))
      .addColumn('fingerprint', 'text', (column) => column.notNull())
      .addColumn('revoked_ms', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('revoked_certificates_key', ['device_id', 'fingerprint'])
      .execute()
  },

  async down(db) {
    await db.schema.dropTable('revoked_certificates').execute()
  },
}
