import { sql } from 'kysely'
import { auditHead } from '../audit/append.ts'
import { verifyAudit } from '../audit/verify.ts'
import type { AuditList, AuditQueries, AuditRecord } from '../audit-store.ts'
import { emptyPage, type TimeCursor, toPage } from '../page.ts'
import type { Db, StateSchema } from '../schema.ts'

/** Rows that one call looks at when it has to look into them: some 20 ms, in which the thread does nothing else. */
const rowsPerSearch = 10_000

type Row = StateSchema['audit']

export function auditQueries(db: Db, searchRows = rowsPerSearch): AuditQueries {
  return {
    async list(list) {
      const { scope, limit } = list
      if (scope !== 'all' && scope.length === 0) return emptyPage
      const path = pathOf(list)
      const end = isNarrower(list, path) ? await endOfSearch(path) : undefined
      let query = rowsOf(path)
        .selectAll()
        .limit(limit + 1)
      if (end !== undefined)
        query = query
          .where('time_ms', '>=', end.timeMs)
          .where((eb) => eb(eb.refTuple('time_ms', 'id'), '>=', eb.tuple(end.timeMs, end.id)))
      if (scope !== 'all') query = query.where('site_id', 'in', scope)
      for (const [name, column] of equalities) {
        const value = list[name]
        if (value !== undefined) query = query.where(column, '=', value)
      }
      const { text } = list
      if (text !== undefined) query = query.where((eb) => eb.or(texts.map((column) => contains(column, text))))
      const page = toPage(await query.execute(), limit, { item: toAudit, cursor: placeOf })
      return page.next === null && end !== undefined ? { ...page, next: end } : page
    },

    head: () => auditHead(db),
    verify: (comparison) => verifyAudit(db, comparison),
  }

  function rowsOf({ list: { fromMs, toMs, after }, column, value }: Path) {
    let query = db.selectFrom('audit').orderBy('time_ms', 'desc').orderBy('id', 'desc')
    if (column !== undefined && value !== undefined) query = query.where(column, '=', value)
    if (fromMs !== undefined) query = query.where('time_ms', '>=', fromMs)
    if (toMs !== undefined) query = query.where('time_ms', '<', toMs)
    if (after !== undefined)
      query = query.where((eb) => eb(eb.refTuple('time_ms', 'id'), '<', eb.tuple(after.timeMs, after.id)))
    return query
  }

  /** The last row of the search; undefined: it comes to the end of the log. */
  async function endOfSearch(path: Path): Promise<TimeCursor | undefined> {
    const query = rowsOf(path).select(['time_ms', 'id'])
    const last = await query
      .offset(searchRows - 1)
      .limit(1)
      .executeTakeFirst()
    return last && placeOf(last)
  }
}

/** The one filter that an index serves, and the rest of the list. */
interface Path {
  readonly list: AuditList
  readonly column?: 'resource_id' | 'principal_id' | 'site_id' | 'resource_type' | undefined
  readonly value?: string | undefined
}

/** The filter that leaves the fewest rows, as a rule. */
function pathOf(list: AuditList): Path {
  const { scope, resourceId, principalId, resourceType } = list
  const [onlySite, ...others] = scope === 'all' ? [] : scope
  const siteId = list.siteId ?? (others.length === 0 ? onlySite : undefined)
  if (resourceId !== undefined) return { list, column: 'resource_id', value: resourceId }
  if (principalId !== undefined) return { list, column: 'principal_id', value: principalId }
  if (siteId !== undefined) return { list, column: 'site_id', value: siteId }
  if (resourceType !== undefined) return { list, column: 'resource_type', value: resourceType }
  return { list }
}

/** Whether rows of the path have to be looked into. */
function isNarrower(list: AuditList, { column }: Path): boolean {
  const others = equalities.some(([name, of]) => of !== column && list[name] !== undefined)
  return others || list.text !== undefined || (list.scope !== 'all' && column !== 'site_id')
}

const equalities = [
  ['siteId', 'site_id'],
  ['resourceType', 'resource_type'],
  ['resourceId', 'resource_id'],
  ['principalKind', 'principal_kind'],
  ['principalId', 'principal_id'],
  ['action', 'action'],
] as const

const texts = ['action', 'resource_id', 'principal_id', 'before', 'after', 'request_id', 'address'] as const

/** SQLite's LIKE folds A to Z by itself, PostgreSQL's does not. */
function contains(column: (typeof texts)[number], text: string) {
  const escaped = text.replaceAll(/[\\%_]/g, '\\$&')
  return sql<boolean>`lower(${sql.ref(column)}) like lower(${`%${escaped}%`}) escape '\\'`
}

function placeOf({ time_ms: timeMs, id }: Pick<Row, 'time_ms' | 'id'>): TimeCursor {
  return { timeMs, id }
}

function toAudit(row: Row): AuditRecord {
  return {
    id: row.id,
    timeMs: row.time_ms,
    principalKind: row.principal_kind,
    principalId: row.principal_id,
    action: row.action,
    resourceType: row.resource_type,
    resourceId: row.resource_id,
    siteId: row.site_id,
    before: fromJson(row.before),
    after: fromJson(row.after),
    requestId: row.request_id,
    address: row.address,
    previousHash: row.previous_hash,
    hash: row.hash,
  }
}

/** A text that is no JSON any more, because somebody changed it, is shown as it is: that is no time to refuse. */
function fromJson(text: string | null): unknown {
  if (text === null) return null
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
