import { sql } from 'kysely'
import type {
  AttemptInput,
  AttemptOutcome,
  DeliveryQueue,
  NotificationRecord,
  NotificationState,
} from '../notification-store.ts'
import type { Db, StateSchema } from '../schema.ts'
import { toNotification } from './notification-rows.ts'
import { notificationQueries } from './notifications.ts'
import { conflict, notFound } from './refusals.ts'

/** A literal: only then do both databases see that the partial index `notifications_due` answers. */
const queued = sql.lit<NotificationState>('queued')
/** Characters of a server's answer that are kept. */
const maxResponse = 1_000

export function deliveryQueue(reader: Db, writer: Db): DeliveryQueue {
  return {
    async due(nowMs, limit) {
      const rows = await reader
        .selectFrom('notifications')
        .selectAll()
        .where('state', '=', queued)
        .where('next_attempt_ms', '<=', nowMs)
        .orderBy('next_attempt_ms')
        .orderBy('number')
        .limit(limit)
        .execute()
      return rows.map(toNotification)
    },

    async nextDueMs() {
      const row = await reader
        .selectFrom('notifications')
        .select('next_attempt_ms')
        .where('state', '=', queued)
        .orderBy('next_attempt_ms')
        .limit(1)
        .executeTakeFirst()
      return row?.next_attempt_ms ?? null
    },

    saveMessage: (id, message) =>
      writer.transaction().execute(async (tx) => {
        const notifications = notificationQueries(tx)
        if ((await notifications.get(id)) === undefined) throw notFound(`keep message of notification ${id}`)
        const kept = await notifications.message(id)
        if (kept !== undefined) return kept
        const { messageId, bytes } = message
        await tx.insertInto('notification_messages').values({ notification_id: id, bytes }).execute()
        await tx.updateTable('notifications').set({ message_id: messageId }).where('id', '=', id).execute()
        return message
      }),

    recordAttempt: (id, attempt, outcome) =>
      writer.transaction().execute(async (tx) => {
        const doing = `record attempt of notification ${id}`
        const before = await notificationQueries(tx).get(id)
        if (before === undefined) throw notFound(doing)
        if (before.state !== 'queued') throw conflict(doing, 'state', `is ${before.state}`)
        const number = before.attempts + 1
        await tx
          .insertInto('notification_attempts')
          .values(toRow(id, number, attempt, outcome))
          .execute()
        const after = { ...before, attempts: number, ...consequence(attempt, outcome) }
        const { state, reason, nextAttemptMs, sentMs } = after
        const changes = { state, reason, attempts: number, next_attempt_ms: nextAttemptMs, sent_ms: sentMs }
        await tx.updateTable('notifications').set(changes).where('id', '=', id).execute()
        return after
      }),
  }
}

type Consequence = Pick<NotificationRecord, 'state' | 'reason' | 'nextAttemptMs' | 'sentMs'>

function consequence({ timeMs, latencyMs }: AttemptInput, outcome: AttemptOutcome): Consequence {
  switch (outcome.kind) {
    case 'sent':
      return { state: 'sent', reason: null, nextAttemptMs: null, sentMs: Math.round(timeMs + latencyMs) }
    case 'retry':
      return { state: 'queued', reason: outcome.reason, nextAttemptMs: outcome.nextAttemptMs, sentMs: null }
    case 'failed':
      return { state: 'failed', reason: outcome.reason, nextAttemptMs: null, sentMs: null }
    default:
      return outcome satisfies never
  }
}

function toRow(
  id: string,
  number: number,
  attempt: AttemptInput,
  outcome: AttemptOutcome,
): StateSchema['notification_attempts'] {
  const { timeMs, provider, code, latencyMs } = attempt
  const response = attempt.response.slice(0, maxResponse)
  const result = { outcome: outcome.kind, code, response, latency_ms: latencyMs }
  return { notification_id: id, number, time_ms: timeMs, provider, ...result }
}
