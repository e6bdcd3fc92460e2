import { z } from '@hono/zod-openapi'
import { deviceIdField, siteIdField, timeInput } from '../fields.ts'
import { loadPage, pageQuery, pageSchema, timePlace } from '../paging.ts'
import { rejectReasonList, rejectReasonNames } from '../reject-reasons.ts'
import { rejectedSchema, toRejected } from '../rejected-schema.ts'
import { defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { checkRange } from '../time-range.ts'

const query = z
  .strictObject({
    ...pageQuery,
    device: deviceIdField.optional(),
    site: siteIdField.optional(),
    reason: z.enum(rejectReasonNames).optional(),
    from: timeInput.optional().openapi({ description: 'Received at or after; by default from the oldest on' }),
    to: timeInput.optional().openapi({ description: 'Received before; by default up to the newest' }),
    order: z.enum(['asc', 'desc']).optional().openapi({ description: 'By time received; `asc` by default' }),
  })
  .check(checkRange)

export function rejectedRoutes({ state }: RouteDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/rejected',
      tag: 'Devices',
      summary: 'List the messages that could not be used, each with its reason',
      description:
        'The list is bounded; beyond that the oldest make room. `ingest.rejected` of GET /api/v1/status counts also ' +
        `those that came too fast to be listed.\n\n${rejectReasonList}`,
      policy: { role: 'viewer', scope: 'devices:read', sites: 'own' },
      request: { query },
      responses: { 200: { description: 'Messages by time received', schema: pageSchema(rejectedSchema) } },
      async handler({ query }, { principal }) {
        const { device, site, reason, from, to, order } = query
        const body = await loadPage(query, {
          filter: { list: 'rejected', device, site, reason, from, to, order },
          place: timePlace,
          load: (page) =>
            state.ledger.rejected({
              ...page,
              scope: principal.sites,
              order: order === 'desc' ? 'descending' : 'ascending',
              deviceId: device,
              siteId: site,
              reason,
              fromMs: from,
              toMs: to,
            }),
          toItem: toRejected,
        })
        return { status: 200, body }
      },
    }),
  ]
}
