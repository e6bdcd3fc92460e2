import { z } from '@hono/zod-openapi'
import { alertStates, severities } from '../../model/index.ts'
import { deviceIdField, listInput, metricField, siteIdField } from '../fields.ts'
import { type LiveKind, liveKinds, narrowed, scopeOfKind } from '../live/view.ts'
import { eventStreamHeaders, eventStreamSchema, eventStreamType } from '../live-streams.ts'
import { HttpProblem } from '../problem.ts'
import { rejectReasonNames } from '../reject-reasons.ts'
import { defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'

const query = z.strictObject({
  kinds: listInput(z.enum(liveKinds)).optional().openapi({ description: 'By default all that the key may read' }),
  site: siteIdField.optional(),
  device: listInput(deviceIdField).optional(),
  metric: listInput(metricField).optional().openapi({ description: 'Of values and alerts' }),
  severity: listInput(z.enum(severities)).optional().openapi({ description: 'Of alerts' }),
  state: z.enum(alertStates).optional().openapi({ description: 'That an alert is in after its step' }),
  reason: z.enum(rejectReasonNames).optional().openapi({ description: 'Of rejected messages' }),
  lastEventId: z
    .string()
    .max(100)
    .optional()
    .openapi({ description: 'As the header `Last-Event-ID`, for who cannot send that' }),
})

export function followRoutes({ hub }: RouteDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/live',
      tag: 'Platform',
      summary: 'Follow values, alerts, presence and rejected messages as they happen',
      description:
        'Server-sent events, each with the JSON of its `data`:\n' +
        '- `values`: `{"items":[{"deviceId","metric","time","value","quality"}]}`, the newest reading of each series that has ' +
        'another one, at most four times a second each. A fresh stream begins with the newest of every series that it selects.\n' +
        '- `alert`: `{"step":AlertStep,"alert":Alert}`, one for each step of an alert that has fired, with the alert as it is.\n' +
        '- `presence`: `{"items":[{"deviceId","online","lastSeen"}]}`, of devices that came online or went offline.\n' +
        '- `rejected`: a `RejectedMessage`.\n' +
        '- `ready`: `{"kinds"}`, when it begins.\n' +
        '- `reset`: `{"kind"}`: what of it was missed cannot be told; look it up by its own list. Values then begin anew.\n' +
        '- `passed-over`: `{"kind"}`: there are more of it than are told; its own list has them.\n\n' +
        'Who sends the id of the last event as `Last-Event-ID`, as browsers do by themselves, goes on behind it: no step of an ' +
        'alert is lost or told twice, over restarts too. A comment every ten seconds says that it is there. It ends when the ' +
        'caller may not see it any more, or sees other sites, and when its client takes nothing for ten seconds.',
      policy: { role: 'viewer', scope: ['readings:read', 'alerts:read', 'devices:read'], sites: 'own' },
      request: { query },
      responses: {
        200: { description: 'Events, without end', schema: eventStreamSchema, mediaType: eventStreamType },
      },
      async handler(
        { query, lastEventId = query.lastEventId },
        { principal, scopes, stillAllowed, cut = () => undefined },
      ) {
        const { site, device, metric, severity, state, reason } = query
        const view = {
          sites: narrowed(principal.sites, site),
          kinds: kindsOf(query.kinds, scopes),
          devices: device,
          metrics: metric,
          severities: severity,
          state,
          reason,
        }
        const body = hub.open({ view, owner: `${principal.kind}:${principal.id}`, lastEventId, stillAllowed, cut })
        return { status: 200, headers: eventStreamHeaders, body }
      },
    }),
  ]
}

/** In their one order. A key without scopes may read all of them. */
function kindsOf(asked: readonly LiveKind[] | undefined, scopes: readonly string[]): readonly LiveKind[] {
  const may = (kind: LiveKind): boolean => scopes.length === 0 || scopes.includes(scopeOfKind[kind])
  const denied = asked?.find((kind) => !may(kind))
  if (denied !== undefined)
    throw new HttpProblem('forbidden', `${denied} need a key with the scope ${scopeOfKind[denied]}`)
  return liveKinds.filter((kind) => asked?.includes(kind) ?? may(kind))
}
