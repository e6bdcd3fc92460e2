import type { AttemptRecord, NotificationRecord } from '../notification-store.ts'
import type { StateSchema } from '../schema.ts'

export function toNotification(row: StateSchema['notifications']): NotificationRecord {
  return {
    id: row.id,
    number: row.number,
    kind: row.kind,
    eventId: row.event_id,
    alertId: row.alert_id,
    siteId: row.site_id,
    personId: row.person_id,
    linkId: row.link_id,
    channel: row.channel,
    recipient: row.recipient,
    state: row.state,
    reason: row.reason,
    messageId: row.message_id,
    attempts: row.attempts,
    nextAttemptMs: row.next_attempt_ms,
    createdMs: row.created_ms,
    sentMs: row.sent_ms,
  }
}

export function toAttempt(row: StateSchema['notification_attempts']): AttemptRecord {
  return {
    number: row.number,
    timeMs: row.time_ms,
    provider: row.provider,
    outcome: row.outcome,
    code: row.code,
    response: row.response,
    latencyMs: row.latency_ms,
  }
}
