import { type Kysely, sql } from 'kysely'
import type { Migration } from './migration.ts'

/** In the order of their references; `down` drops them in the opposite one. */
const tables = [
  'rules',
  'rule_versions',
  'alerts',
  'alert_events',
  'notifications',
  'notification_attempts',
  'notification_messages',
] as const

export const alerts: Migration = {
  name: '0002-alerts',

  async up(db) {
    await createRules(db)
    await createAlerts(db)
    await createNotifications(db)
  },

  async down(db) {
    for (const table of tables.toReversed()) await db.schema.dropTable(table).execute()
  },
}

/** No references: a rule goes with what it names (repositories/rules.ts), its versions stay for the alerts it made. */
async function createRules(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('rules')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('device_id', 'text')
    .addColumn('profile_id', 'text')
    .addColumn('site_id', 'text')
    .addColumn('record', 'text', (column) => column.notNull())
    .execute()
  await index(db, 'rules', ['device_id', 'id'])
  await index(db, 'rules', ['profile_id', 'id'])
  await index(db, 'rules', ['site_id', 'id'])
  await db.schema
    .createTable('rule_versions')
    .addColumn('rule_id', 'text', (column) => column.notNull())
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('record', 'text', (column) => column.notNull())
    .addColumn('created_ms', 'bigint', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('rule_versions_key', ['rule_id', 'version'])
    .execute()
}

async function createAlerts(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('alerts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('number', 'bigint', (column) => column.notNull().unique())
    .addColumn('rule_id', 'text', (column) => column.notNull())
    .addColumn('rule_version', 'integer', (column) => column.notNull())
    .addColumn('rule_name', 'text', (column) => column.notNull())
    .addColumn('device_id', 'text', (column) => column.notNull())
    .addColumn('site_id', 'text', (column) => column.notNull())
    .addColumn('metric', 'text')
    .addColumn('severity', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('started_ms', 'double precision', (column) => column.notNull())
    .addColumn('fired_ms', 'double precision')
    .addColumn('resolved_ms', 'double precision')
    .addColumn('value', 'double precision')
    .addColumn('evidence', 'text', (column) => column.notNull())
    .addColumn('acknowledged_ms', 'bigint')
    .addColumn('acknowledged_by', 'text')
    .addColumn('resolve_reason', 'text')
    .addColumn('resolution', 'text')
    .addColumn('root_cause', 'text')
    .execute()
  await index(db, 'alerts', ['started_ms', 'number'])
  await index(db, 'alerts', ['state', 'started_ms', 'number'])
  await index(db, 'alerts', ['device_id', 'started_ms', 'number'])
  await index(db, 'alerts', ['rule_id', 'started_ms', 'number'])
  await db.schema
    .createTable('alert_events')
    .addColumn('id', 'bigint', (column) => column.primaryKey())
    .addColumn('alert_id', 'text', (column) => column.notNull().references('alerts.id'))
    .addColumn('ordinal', 'integer')
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('time_ms', 'double precision', (column) => column.notNull())
    .addColumn('transition', 'text')
    .addColumn('principal_kind', 'text')
    .addColumn('principal_id', 'text')
    .addColumn('text', 'text')
    .addColumn('root_cause', 'text')
    // People's steps have no ordinal, and nothing is equal to nothing.
    .addUniqueConstraint('alert_events_once', ['alert_id', 'ordinal'])
    .execute()
  await index(db, 'alert_events', ['alert_id', 'id'])
}

async function createNotifications(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('notifications')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('number', 'bigint', (column) => column.notNull().unique())
    .addColumn('event_id', 'bigint', (column) => column.notNull().references('alert_events.id'))
    .addColumn('alert_id', 'text', (column) => column.notNull().references('alerts.id'))
    .addColumn('site_id', 'text', (column) => column.notNull())
    .addColumn('channel', 'text', (column) => column.notNull())
    .addColumn('recipient', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('message_id', 'text')
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('next_attempt_ms', 'bigint')
    .addColumn('created_ms', 'bigint', (column) => column.notNull())
    .addColumn('sent_ms', 'bigint')
    .addUniqueConstraint('notifications_once', ['event_id', 'channel', 'recipient'])
    .execute()
  await index(db, 'notifications', ['created_ms', 'number'])
  await index(db, 'notifications', ['alert_id', 'created_ms', 'number'])
  await index(db, 'notifications', ['state', 'created_ms', 'number'])
  // The queue: small, whatever the history has grown to. The state stands in it so that planners prefer it.
  const due = sql`create index notifications_due on notifications (state, next_attempt_ms, number) where state = 'queued'`
  await due.execute(db)
  await db.schema
    .createTable('notification_attempts')
    .addColumn('notification_id', 'text', (column) => column.notNull().references('notifications.id'))
    .addColumn('number', 'integer', (column) => column.notNull())
    .addColumn('time_ms', 'bigint', (column) => column.notNull())
    .addColumn('provider', 'text', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('code', 'integer')
    .addColumn('response', 'text', (column) => column.notNull())
    .addColumn('latency_ms', 'double precision', (column) => column.notNull())
    .addPrimaryKeyConstraint('notification_attempts_key', ['notification_id', 'number'])
    .execute()
  // Apart from the rows that lists read: a message is some 20 KB.
  await db.schema
    .createTable('notification_messages')
    .addColumn('notification_id', 'text', (column) => column.primaryKey().references('notifications.id'))
    .addColumn('bytes', 'bytea', (column) => column.notNull())
    .execute()
}

async function index(db: Kysely<unknown>, table: string, columns: string[]): Promise<void> {
  await db.schema.createIndex(`${table}_by_${columns[0]}`).on(table).columns(columns).execute()
}
