import { z } from '@hono/zod-openapi'
import type { AuditRecord } from '../../store/state/index.ts'
import { timeField, timeInput } from '../fields.ts'
import { loadPage, pageQuery, pageSchema, timePlace } from '../paging.ts'
import { defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { formatTime } from '../time.ts'
import { checkRange } from '../time-range.ts'

const text = z.string().min(1).max(100)

const query = z
  .strictObject({
    ...pageQuery,
    resourceType: text.optional().openapi({ description: '`device`, `site`, `asset`, `profile`, `api-key`, …' }),
    resourceId: text.optional(),
    principal: text.optional().openapi({ description: 'Id of who did it' }),
    from: timeInput.optional(),
    to: timeInput.optional(),
  })
  .check(checkRange)

const auditSchema = z
  .strictObject({
    time: timeField,
    principal: z.strictObject({ kind: z.enum(['person', 'key', 'device', 'platform']), id: z.string() }),
    action: z.string().openapi({ example: 'device.create' }),
    resourceType: z.string(),
    resourceId: z.string(),
    siteId: z.string().nullable().openapi({ description: 'Null: concerns no single site' }),
    before: z.unknown().openapi({ description: 'The record before, secrets masked; null where there was none' }),
    after: z.unknown().openapi({ description: 'The record after, secrets masked; null where there is none' }),
    requestId: z.string().nullable(),
    address: z.string().nullable(),
  })
  .openapi('AuditEntry')

export function auditRoutes({ state }: RouteDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/audit',
      tag: 'Platform',
      summary: 'List who changed what, the newest first',
      policy: { role: 'admin', scope: 'platform:read', sites: 'own' },
      request: { query },
      responses: { 200: { description: 'Changes, the newest first', schema: pageSchema(auditSchema) } },
      async handler({ query }, { principal }) {
        const { resourceType, resourceId, principal: principalId, from, to } = query
        const body = await loadPage(query, {
          filter: { list: 'audit', resourceType, resourceId, principalId, from, to },
          place: timePlace,
          load: (page) =>
            state.audit.list({
              ...page,
              scope: principal.sites,
              resourceType,
              resourceId,
              principalId,
              fromMs: from,
              toMs: to,
            }),
          toItem: toEntry,
        })
        return { status: 200, body }
      },
    }),
  ]
}

function toEntry(record: AuditRecord): z.input<typeof auditSchema> {
  const { timeMs, principalKind, principalId, action, resourceType, resourceId, siteId } = record
  return {
    time: formatTime(timeMs),
    principal: { kind: principalKind, id: principalId },
    action,
    resourceType,
    resourceId,
    siteId,
    before: record.before ?? null,
    after: record.after ?? null,
    requestId: record.requestId,
    address: record.address,
  }
}
