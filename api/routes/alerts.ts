import { setTimeout as delay } from 'node:timers/promises'
import { z } from '@hono/zod-openapi'
import { type Access, type AlertId, alertStates, severities } from '../../model/index.ts'
import type { AlertRecord } from '../../store/state/index.ts'
import { alertSchema, stepSchema, toAlert, toStep } from '../alert-schemas.ts'
import { alertIdField, deviceIdField, ruleIdField, siteIdField, textField, timeInput } from '../fields.ts'
import { loadPage, numberPlace, pageQuery, pageSchema, timePlace } from '../paging.ts'
import { defineCachedRoute, defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { found, visible } from '../site-access.ts'
import { checkRange } from '../time-range.ts'

const one = z.strictObject({ id: alertIdField })
const tag = 'Alerts'
/** Reading an alert takes some 20 µs; the rules need a few ms to meet an order in the log. */
const lookAgainMs = 10

const listQuery = z
  .strictObject({
    ...pageQuery,
    state: z.enum(alertStates).optional(),
    severity: z.enum(severities).optional(),
    deviceId: deviceIdField.optional(),
    ruleId: ruleIdField.optional(),
    siteId: siteIdField.optional(),
    from: timeInput.optional().openapi({ description: 'Started at or after' }),
    to: timeInput.optional().openapi({ description: 'Started before' }),
  })
  .check(checkRange)

const commentInput = z.strictObject({ text: textField }).openapi('NewComment')
const resolveInput = z
  .strictObject({
    resolution: textField.optional().openapi({ description: 'What was done about it' }),
    rootCause: textField.optional().openapi({ description: 'What it came from' }),
  })
  .openapi('ResolveOrder')

export function alertRoutes({ state, changes, peerTimeoutMs }: RouteDeps): Route[] {
  async function seenAlert(principal: Access, id: AlertId): Promise<AlertRecord> {
    return found(visible(principal, await state.alerts.get(id)), 'alert', id)
  }

  /** The alert once the rules have resolved it, or as it is when they take longer than a caller should wait. */
  async function afterOrder(asked: AlertRecord): Promise<AlertRecord> {
    let alert = asked
    for (let waitedMs = 0; alert.state !== 'resolved' && waitedMs < peerTimeoutMs; waitedMs += lookAgainMs) {
      await delay(lookAgainMs)
      alert = (await state.alerts.get(asked.id)) ?? alert
    }
    return alert
  }

  return [
    defineCachedRoute({
      method: 'get',
      path: '/api/v1/alerts',
      tag,
      summary: 'List the alerts, the newest first',
      policy: { role: 'viewer', scope: 'alerts:read', sites: 'own' },
      cache: { of: ['alerts'] },
      request: { query: listQuery },
      responses: { 200: { description: 'Alerts by their start, the newest first', schema: pageSchema(alertSchema) } },
      async handler({ query }, { principal }) {
        const { state: inState, severity, deviceId, ruleId, siteId, from, to } = query
        const body = await loadPage(query, {
          filter: { list: 'alerts', state: inState, severity, deviceId, ruleId, siteId, from, to },
          place: timePlace,
          load: (page) =>
            state.alerts.list({
              ...page,
              scope: principal.sites,
              state: inState,
              severity,
              deviceId,
              ruleId,
              siteId,
              fromMs: from,
              toMs: to,
            }),
          toItem: toAlert,
        })
        return { status: 200, body }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/alerts/{id}',
      tag,
      summary: 'Read an alert with its evidence',
      policy: { role: 'viewer', scope: 'alerts:read', sites: 'own' },
      request: { params: one },
      responses: { 200: { description: 'The alert', schema: alertSchema } },
      async handler({ params }, { principal }) {
        return { status: 200, body: toAlert(await seenAlert(principal, params.id)) }
      },
    }),
    defineCachedRoute({
      method: 'get',
      path: '/api/v1/alerts/{id}/timeline',
      tag,
      summary: 'List every step of an alert, the oldest first',
      policy: { role: 'viewer', scope: 'alerts:read', sites: 'own' },
      cache: { of: ['alerts'] },
      request: { params: one, query: z.strictObject(pageQuery) },
      responses: { 200: { description: 'Steps in the order of their recording', schema: pageSchema(stepSchema) } },
      async handler({ params, query }, { principal }) {
        const { id: alertId } = await seenAlert(principal, params.id)
        const body = await loadPage(query, {
          filter: { list: 'timeline', alertId },
          place: numberPlace,
          load: (page) => state.alerts.timeline({ ...page, alertId }),
          toItem: toStep,
        })
        return { status: 200, body }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/alerts/{id}/acknowledge',
      tag,
      summary: 'Say that you look after a firing alert',
      description: 'The first one counts: who comes later gets the alert as it is.',
      policy: { role: 'operator', scope: 'alerts:write', sites: 'own' },
      request: { params: one },
      responses: { 200: { description: 'The alert, acknowledged', schema: alertSchema } },
      async handler({ params }, context) {
        await seenAlert(context.principal, params.id)
        const alert = await changes.apply(context, (unit) => unit.alerts.acknowledge(params.id))
        return { status: 200, body: toAlert(alert) }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/alerts/{id}/comments',
      tag,
      summary: "Add a comment to an alert's timeline",
      policy: { role: 'operator', scope: 'alerts:write', sites: 'own' },
      request: { params: one, body: commentInput },
      responses: { 204: { description: 'It is in the timeline' } },
      async handler({ params, body }, context) {
        await seenAlert(context.principal, params.id)
        await changes.apply(context, (unit) => unit.alerts.comment(params.id, body.text))
        return { status: 204 }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/alerts/{id}/resolve',
      tag,
      summary: 'Resolve a firing alert by hand',
      description:
        'The order goes through the log to the rules. The same rule fires again for the same thing only after its ' +
        'condition has ceased once.',
      policy: { role: 'operator', scope: 'alerts:write', sites: 'own' },
      request: { params: one, body: resolveInput, bodyOptional: true },
      responses: {
        200: { description: 'The alert, resolved', schema: alertSchema },
        202: {
          description: 'The alert; the order is stored and takes effect as soon as the rules meet it',
          schema: alertSchema,
        },
      },
      async handler({ params, body }, context) {
        await seenAlert(context.principal, params.id)
        const asked = await changes.apply(context, (unit) => unit.alerts.requestResolve(params.id, body))
        const alert = await afterOrder(asked)
        return { status: alert.state === 'resolved' ? 200 : 202, body: toAlert(alert) }
      },
    }),
  ]
}
