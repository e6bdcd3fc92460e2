import type { ChangeScope } from '../change.ts'
import { takeNumber } from '../counters.ts'
import type {
  AccountMailQueries,
  NotificationQueries,
  NotificationState,
  NotificationWrites,
} from '../notification-store.ts'
import { emptyPage, toPage } from '../page.ts'
import type { Db, StateSchema } from '../schema.ts'
import { newId } from '../tokens.ts'
import { accountLinkQueries, type LinkContext, tokenOf } from './account-links.ts'
import { toAttempt, toNotification } from './notification-rows.ts'
import { personQueries } from './people.ts'
import { conflict, notFound } from './refusals.ts'

export function notificationQueries(db: Db): NotificationQueries {
  return {
    async get(id) {
      const row = await db.selectFrom('notifications').selectAll().where('id', '=', id).executeTakeFirst()
      return row && toNotification(row)
    },

    async list({ scope, alertId, state, recipient, alertsOnly, fromMs, toMs, limit, after }) {
      if (scope !== 'all' && scope.length === 0) return emptyPage
      let query = db
        .selectFrom('notifications')
        .selectAll()
        .orderBy('created_ms', 'desc')
        .orderBy('number', 'desc')
        .limit(limit + 1)
      if (scope !== 'all') query = query.where('site_id', 'in', scope)
      if (alertsOnly === true) query = query.where('alert_id', 'is not', null)
      if (alertId !== undefined) query = query.where('alert_id', '=', alertId)
      if (state !== undefined) query = query.where('state', '=', state)
      if (recipient !== undefined) query = query.where('recipient', '=', recipient)
      if (fromMs !== undefined) query = query.where('created_ms', '>=', fromMs)
      if (toMs !== undefined) query = query.where('created_ms', '<', toMs)
      if (after !== undefined)
        query = query.where((eb) => eb(eb.refTuple('created_ms', 'number'), '<', eb.tuple(after.timeMs, after.id)))
      const cursor = (row: StateSchema['notifications']) => ({ timeMs: row.created_ms, id: row.number })
      return toPage(await query.execute(), limit, { item: toNotification, cursor })
    },

    async attempts(id) {
      const rows = await db
        .selectFrom('notification_attempts')
        .selectAll()
        .where('notification_id', '=', id)
        .orderBy('number')
        .execute()
      return rows.map(toAttempt)
    },

    async message(id) {
      const row = await db
        .selectFrom('notification_messages')
        .innerJoin('notifications', 'notifications.id', 'notification_messages.notification_id')
        .select(['notifications.message_id', 'notification_messages.bytes'])
        .where('notification_id', '=', id)
        .executeTakeFirst()
      if (row === undefined || row.message_id === null) return undefined
      return { messageId: row.message_id, bytes: row.bytes }
    },

    async counts() {
      const counts: Record<NotificationState, number> = { queued: 0, sent: 0, failed: 0, suppressed: 0 }
      const rows = await db
        .selectFrom('notifications')
        .select((eb) => ['state', eb.fn.countAll<number>().as('count')])
        .groupBy('state')
        .execute()
      for (const { state, count } of rows) counts[state] = count
      return counts
    },
  }
}

export function accountMailQueries(db: Db, context: LinkContext): AccountMailQueries {
  const people = personQueries(db)
  const links = accountLinkQueries(db, context)
  return {
    async about({ kind, personId, linkId }) {
      const person = personId === null ? undefined : await people.get(personId)
      if (kind === 'alert' || person === undefined || person.disabledMs !== null) return undefined
      if (linkId === null) return { kind, person, link: null }
      const link = await links.get(linkId)
      if (link === undefined) return undefined
      return { kind, person, link: { token: tokenOf(context.linkSecret, link), expiresMs: link.expiresMs } }
    },
  }
}

export function notificationWrites({ db, nowMs, note }: ChangeScope): NotificationWrites {
  const notifications = notificationQueries(db)

  return {
    async tell({ kind, person, link }) {
      const id = newId()
      const row = {
        id,
        number: await takeNumber(db, 'notification'),
        kind,
        person_id: person.id,
        link_id: link?.id ?? null,
        channel: 'email',
        recipient: person.email,
        state: 'queued',
        attempts: 0,
        created_ms: nowMs,
        next_attempt_ms: nowMs,
      } as const
      await db.insertInto('notifications').values(row).execute()
      await note({ verb: 'create', type: 'notification', id, siteId: null, after: { kind, personId: person.id } })
    },

    async resend(id) {
      const doing = `send notification ${id} again`
      const before = await notifications.get(id)
      if (before === undefined) throw notFound(doing)
      if (before.state !== 'failed')
        throw conflict(doing, 'state', `is ${before.state}: only a failed one is sent again`)
      await db
        .updateTable('notifications')
        .set({ state: 'queued', next_attempt_ms: nowMs })
        .where('id', '=', id)
        .execute()
      const after = { ...before, state: 'queued', nextAttemptMs: nowMs } as const
      await note({ verb: 'resend', type: 'notification', id, siteId: before.siteId, before, after })
      return after
    },
  }
}
