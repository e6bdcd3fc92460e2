import type { DeviceId, SiteId } from '../../../model/index.ts'
import { takeNumber } from '../counters.ts'
import { emptyPage, toPage } from '../page.ts'
import type { RejectedRecord, RejectedRow } from '../records.ts'
import type { Db, StateSchema, Tx } from '../schema.ts'
import type { Ledger } from '../state.ts'
import { advance, positionOf } from './positions.ts'

/** Rows of one INSERT: nine parameters each, below SQLite's 32,766 and PostgreSQL's 65,535. */
const rowsPerInsert = 500

export function ledger(reader: Db, writer: Db, maxRejected: number): Ledger {
  return {
    position: (consumer) => positionOf(reader, consumer),

    commit: (consumer, position, rejected) =>
      writer.transaction().execute(async (tx) => {
        if (!(await advance(tx, consumer, position))) return
        if (rejected.length > 0) await insertRejected(tx, rejected, maxRejected)
      }),

    async rejected({ scope, order, deviceId, reason, siteId, fromMs, toMs, limit, after }) {
      const direction = order === 'ascending' ? 'asc' : 'desc'
      if (scope !== 'all' && scope.length === 0) return emptyPage
      let query = reader
        .selectFrom('rejected')
        .selectAll()
        .orderBy('time_ms', direction)
        .orderBy('id', direction)
        .limit(limit + 1)
      if (scope !== 'all') query = query.where('site_id', 'in', scope)
      if (siteId !== undefined) query = query.where('site_id', '=', siteId)
      if (deviceId !== undefined) query = query.where('device_id', '=', deviceId)
      if (reason !== undefined) query = query.where('reason', '=', reason)
      if (fromMs !== undefined) query = query.where('time_ms', '>=', fromMs)
      if (toMs !== undefined) query = query.where('time_ms', '<', toMs)
      if (after !== undefined) {
        const beyond = order === 'ascending' ? '>' : '<'
        query = query.where((eb) => eb(eb.refTuple('time_ms', 'id'), beyond, eb.tuple(after.timeMs, after.id)))
      }
      const cursor = (row: StateSchema['rejected']) => ({ timeMs: row.time_ms, id: row.id })
      return toPage(await query.execute(), limit, { item: toRejected, cursor })
    },

    async rejectedNews({ after, limit }) {
      const rows = await reader
        .selectFrom('rejected')
        .selectAll()
        .where('id', '>', after)
        .orderBy('id')
        .limit(limit)
        .execute()
      return rows.map(toRejected)
    },

    async rejectedCount() {
      // Numbers follow each other without a gap, so nothing needs to be counted.
      const row = await reader
        .selectFrom('counters')
        .select((eb) => [
          'value',
          eb
            .selectFrom('rejected')
            .select((of) => of.fn.min('rejected.id').as('id'))
            .as('oldest'),
        ])
        .where('name', '=', 'rejected')
        .executeTakeFirst()
      if (row === undefined) return { listed: 0, total: 0 }
      return { listed: row.oldest === null ? 0 : row.value - row.oldest + 1, total: row.value }
    },
  }
}

async function insertRejected(tx: Tx, rows: readonly RejectedRow[], maxRejected: number): Promise<void> {
  const first = await takeNumber(tx, 'rejected', rows.length)
  const sites = await sitesOf(tx, rows)
  // Those that would make room at once are counted without being written.
  const skipped = Math.max(0, rows.length - maxRejected)
  for (let start = skipped; start < rows.length; start += rowsPerInsert) {
    const values = rows.slice(start, start + rowsPerInsert).map((row, i) => ({
      id: first + start + i,
      time_ms: row.timeMs,
      device_id: row.deviceId,
      site_id: row.deviceId === null ? null : (sites.get(row.deviceId) ?? null),
      client_id: row.clientId,
      topic: row.topic,
      reason: row.reason,
      detail: row.detail,
      payload: row.payload,
    }))
    await tx.insertInto('rejected').values(values).execute()
  }
  const last = first + rows.length - 1
  await tx
    .deleteFrom('rejected')
    .where('id', '<=', last - maxRejected)
    .execute()
}

/** Kept with the row: a device that moves must not show its old messages to the new site's people. */
async function sitesOf(tx: Tx, rows: readonly RejectedRow[]): Promise<ReadonlyMap<DeviceId, SiteId>> {
  const sites = new Map<DeviceId, SiteId>()
  for (const id of new Set(rows.map((row) => row.deviceId))) {
    if (id === null) continue
    const device = await tx.selectFrom('devices').select('site_id').where('id', '=', id).executeTakeFirst()
    if (device !== undefined) sites.set(id, device.site_id)
  }
  return sites
}

function toRejected(row: StateSchema['rejected']): RejectedRecord {
  return {
    id: row.id,
    timeMs: row.time_ms,
    deviceId: row.device_id,
    siteId: row.site_id,
    clientId: row.client_id,
    topic: row.topic,
    reason: row.reason,
    detail: row.detail,
    payload: row.payload,
  }
}
