import { emptyPage, toPage } from '../page.ts'
import type { AuditRecord } from '../records.ts'
import type { Db, StateSchema } from '../schema.ts'
import type { AuditQueries } from '../state.ts'

export function auditQueries(db: Db): AuditQueries {
  return {
    async list({ scope, resourceType, resourceId, principalId, fromMs, toMs, limit, after }) {
      if (scope !== 'all' && scope.length === 0) return emptyPage
      let query = db
        .selectFrom('audit')
        .selectAll()
        .orderBy('time_ms', 'desc')
        .orderBy('id', 'desc')
        .limit(limit + 1)
      if (scope !== 'all') query = query.where('site_id', 'in', scope)
      if (resourceType !== undefined) query = query.where('resource_type', '=', resourceType)
      if (resourceId !== undefined) query = query.where('resource_id', '=', resourceId)
      if (principalId !== undefined) query = query.where('principal_id', '=', principalId)
      if (fromMs !== undefined) query = query.where('time_ms', '>=', fromMs)
      if (toMs !== undefined) query = query.where('time_ms', '<', toMs)
      if (after !== undefined)
        query = query.where((eb) => eb(eb.refTuple('time_ms', 'id'), '<', eb.tuple(after.timeMs, after.id)))
      const cursor = (row: StateSchema['audit']) => ({ timeMs: row.time_ms, id: row.id })
      return toPage(await query.execute(), limit, { item: toAudit, cursor })
    },
  }
}

function toAudit(row: StateSchema['audit']): AuditRecord {
  return {
    id: row.id,
    timeMs: row.time_ms,
    principalKind: row.principal_kind,
    principalId: row.principal_id,
    action: row.action,
    resourceType: row.resource_type,
    resourceId: row.resource_id,
    siteId: row.site_id,
    before: row.before === null ? null : JSON.parse(row.before),
    after: row.after === null ? null : JSON.parse(row.after),
    requestId: row.request_id,
    address: row.address,
  }
}
