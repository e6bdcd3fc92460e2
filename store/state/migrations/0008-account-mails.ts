import { type Kysely, sql } from 'kysely'
import type { Migration } from './migration.ts'

/**
 * Notifications that are about a person's account and no alert. What may be null cannot be said of a column that is there, on
 * SQLite: the tables are made anew and filled from the old ones.
 */
export const accountMails: Migration = {
  name: '0008-account-mails',
  up: (db) => rebuild(db, 'account mails too'),
  down: (db) => rebuild(db, 'alerts only'),
}

type Contents = 'account mails too' | 'alerts only'

const shared = [
  'id',
  'number',
  'event_id',
  'alert_id',
  'site_id',
  'channel',
  'recipient',
  'state',
  'reason',
  'message_id',
  'attempts',
  'next_attempt_ms',
  'created_ms',
  'sent_ms',
] as const

async function rebuild(db: Kysely<unknown>, contents: Contents): Promise<void> {
  await createTables(db, contents)
  const columns = sql.join(shared.map((name) => sql.ref(name)))
  const ofAlerts = sql`select id from notifications where event_id is not null`
  await sql`insert into notifications_new (${columns}) select ${columns} from notifications where event_id is not null`.execute(
    db,
  )
  for (const table of ['notification_attempts', 'notification_messages']) {
    const [from, to] = [sql.table(table), sql.table(`${table}_new`)]
    await sql`insert into ${to} select * from ${from} where notification_id in (${ofAlerts})`.execute(db)
  }
  for (const table of ['notification_messages', 'notification_attempts', 'notifications']) {
    await db.schema.dropTable(table).execute()
    await db.schema.alterTable(`${table}_new`).renameTo(table).execute()
  }
  for (const columns of [
    ['created_ms', 'number'],
    ['alert_id', 'created_ms', 'number'],
    ['state', 'created_ms', 'number'],
  ])
    await db.schema.createIndex(`notifications_by_${columns[0]}`).on('notifications').columns(columns).execute()
  const due = sql`create index notifications_due on notifications (state, next_attempt_ms, number) where state = 'queued'`
  await due.execute(db)
}

async function createTables(db: Kysely<unknown>, contents: Contents): Promise<void> {
  const wide = contents === 'account mails too'
  let notifications = db.schema
    .createTable('notifications_new')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('number', 'bigint', (column) => column.notNull().unique())
    .addColumn('event_id', 'bigint', (column) => {
      const event = column.references('alert_events.id')
      return wide ? event : event.notNull()
    })
    .addColumn('alert_id', 'text', (column) => {
      const alert = column.references('alerts.id')
      return wide ? alert : alert.notNull()
    })
    .addColumn('site_id', 'text', (column) => (wide ? column : column.notNull()))
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
  if (wide)
    notifications = notifications
      .addColumn('kind', 'text', (column) => column.notNull().defaultTo('alert'))
      // No references: the log of mails outlives the person and the link.
      .addColumn('person_id', 'text')
      .addColumn('link_id', 'text')
  await notifications.execute()
  await db.schema
    .createTable('notification_attempts_new')
    .addColumn('notification_id', 'text', (column) => column.notNull().references('notifications_new.id'))
    .addColumn('number', 'integer', (column) => column.notNull())
    .addColumn('time_ms', 'bigint', (column) => column.notNull())
    .addColumn('provider', 'text', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('code', 'integer')
    .addColumn('response', 'text', (column) => column.notNull())
    .addColumn('latency_ms', 'double precision', (column) => column.notNull())
    .addPrimaryKeyConstraint('notification_attempts_key', ['notification_id', 'number'])
    .execute()
  await db.schema
    .createTable('notification_messages_new')
    .addColumn('notification_id', 'text', (column) => column.primaryKey().references('notifications_new.id'))
    .addColumn('bytes', 'bytea', (column) => column.notNull())
    .execute()
}
