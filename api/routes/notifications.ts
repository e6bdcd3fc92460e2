import { z } from '@hono/zod-openapi'
import {
  type AttemptRecord,
  type NotificationRecord,
  notificationChannels,
  notificationKinds,
  notificationStates,
} from '../../store/state/index.ts'
import { mayCall } from '../authenticate.ts'
import { alertIdField, timeField, timeInput, timeOrNull } from '../fields.ts'
import { loadPage, pageQuery, pageSchema, timePlace } from '../paging.ts'
import { defineRoute, type PrincipalContext, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { found, visible } from '../site-access.ts'
import { formatTime } from '../time.ts'
import { checkRange } from '../time-range.ts'

const one = z.strictObject({ id: z.string().min(1).max(64) })
const tag = 'Alerts'

const listQuery = z
  .strictObject({
    ...pageQuery,
    alertId: alertIdField.optional(),
    state: z.enum(notificationStates).optional(),
    recipient: z.string().min(1).max(320).optional(),
    from: timeInput.optional().openapi({ description: 'Created at or after' }),
    to: timeInput.optional().openapi({ description: 'Created before' }),
  })
  .check(checkRange)

const notificationSchema = z
  .strictObject({
    id: z.string(),
    kind: z.enum(notificationKinds),
    alertId: z.string().nullable().openapi({ description: 'Null: it is about an account' }),
    step: z.int().nullable().openapi({ description: "Id of the step of the alert's timeline that it tells of" }),
    siteId: z.string().nullable(),
    channel: z.enum(notificationChannels),
    recipient: z.string(),
    messageId: z.string().nullable().openapi({ description: 'Message-ID of the mail; null until it is written' }),
    state: z.enum(notificationStates),
    reason: z.string().nullable().openapi({ description: 'Why it is not sent (yet); null when it is' }),
    attempts: z.int(),
    nextAttemptAt: timeField.nullable(),
    createdAt: timeField,
    sentAt: timeField.nullable(),
  })
  .openapi('Notification')

const attemptSchema = z
  .strictObject({
    number: z.int(),
    time: timeField,
    provider: z.string(),
    outcome: z.enum(['sent', 'retry', 'failed']),
    code: z.int().nullable().openapi({ description: 'SMTP reply code; null when there was none' }),
    response: z.string(),
    latencyMs: z.number(),
  })
  .openapi('DeliveryAttempt')

/** Mails about accounts say who has one, and what they do with it: for those who may read that elsewhere too. */
function maySeeAccounts(context: PrincipalContext): boolean {
  return mayCall(context, { role: 'admin', scope: 'people:read', sites: 'every' })
}

export function notificationRoutes({ state, changes }: RouteDeps): Route[] {
  async function seen(context: PrincipalContext, id: string): Promise<NotificationRecord> {
    const record = visible(context.principal, await state.notifications.get(id))
    const hidden = record?.alertId === null && !maySeeAccounts(context)
    return found(hidden ? undefined : record, 'notification', id)
  }

  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/notifications',
      tag,
      summary: 'List who was told of which alert, the newest first',
      description: 'Mails about accounts are listed too, for those who may read the people.',
      policy: { role: 'viewer', scope: 'notifications:read', sites: 'own' },
      request: { query: listQuery },
      responses: {
        200: { description: 'Notifications, the newest first', schema: pageSchema(notificationSchema) },
      },
      async handler({ query }, context) {
        const { alertId, state: inState, recipient, from, to } = query
        const body = await loadPage(query, {
          filter: { list: 'notifications', alertId, state: inState, recipient, from, to },
          place: timePlace,
          load: (page) =>
            state.notifications.list({
              ...page,
              scope: context.principal.sites,
              alertsOnly: !maySeeAccounts(context),
              alertId,
              state: inState,
              recipient,
              fromMs: from,
              toMs: to,
            }),
          toItem: toNotification,
        })
        return { status: 200, body }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/notifications/{id}',
      tag,
      summary: 'Read a notification',
      policy: { role: 'viewer', scope: 'notifications:read', sites: 'own' },
      request: { params: one },
      responses: { 200: { description: 'The notification', schema: notificationSchema } },
      async handler({ params }, context) {
        return { status: 200, body: toNotification(await seen(context, params.id)) }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/notifications/{id}/attempts',
      tag,
      summary: 'List the attempts to deliver a notification',
      policy: { role: 'viewer', scope: 'notifications:read', sites: 'own' },
      request: { params: one },
      responses: {
        200: { description: 'The oldest first', schema: z.strictObject({ items: z.array(attemptSchema) }) },
      },
      async handler({ params }, context) {
        const { id } = await seen(context, params.id)
        return { status: 200, body: { items: (await state.notifications.attempts(id)).map(toAttempt) } }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/notifications/{id}/message',
      tag,
      summary: 'Read the mail itself',
      policy: { role: 'viewer', scope: 'notifications:read', sites: 'own' },
      request: { params: one },
      responses: {
        200: {
          description: 'The message as it is sent',
          schema: z.instanceof(Uint8Array).openapi({ type: 'string' }),
          mediaType: 'message/rfc822',
        },
      },
      async handler({ params }, context) {
        const { id } = await seen(context, params.id)
        const message = found(await state.notifications.message(id), 'message yet of notification', id)
        return { status: 200, body: Buffer.from(message.bytes) }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/notifications/{id}/resend',
      tag,
      summary: 'Try a notification again that was given up',
      description: 'The same message goes out, under the same Message-ID.',
      policy: { role: 'operator', scope: 'notifications:write', sites: 'own' },
      request: { params: one },
      responses: { 200: { description: 'The notification, queued', schema: notificationSchema } },
      async handler({ params }, context) {
        await seen(context, params.id)
        const queued = await changes.apply(context, (unit) => unit.notifications.resend(params.id))
        return { status: 200, body: toNotification(queued) }
      },
    }),
  ]
}

function toNotification(record: NotificationRecord): z.input<typeof notificationSchema> {
  const { id, kind, alertId, eventId, siteId, channel, recipient, messageId, state, reason, attempts } = record
  return {
    id,
    kind,
    alertId,
    step: eventId,
    siteId,
    channel,
    recipient,
    messageId,
    state,
    reason,
    attempts,
    nextAttemptAt: timeOrNull(record.nextAttemptMs),
    createdAt: formatTime(record.createdMs),
    sentAt: timeOrNull(record.sentMs),
  }
}

function toAttempt(attempt: AttemptRecord): z.input<typeof attemptSchema> {
  const { number, timeMs, provider, outcome, code, response, latencyMs } = attempt
  return { number, time: formatTime(timeMs), provider, outcome, code, response, latencyMs }
}
