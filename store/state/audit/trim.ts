import type { Db, Tx } from '../schema.ts'
import { platformActor } from '../seed.ts'
import { appendAudit } from './append.ts'

/** Rows of one transaction: the write lock is held for some 20 ms. */
const rowsPerRound = 2_000

/** What the row says that stands for those that retention removed. */
export const trimAction = 'audit.trim'

/**
 * Removes rows from before `beforeMs`, the oldest first and some thousand at a time, never the newest row. It leaves a row that
 * names the last one it took, to which the anchor moves: so the chain begins there, and says itself why.
 */
export function trimAudit(writer: Db, beforeMs: number, nowMs: number): Promise<number> {
  return writer.transaction().execute((tx) => trimRound(tx, beforeMs, nowMs))
}

async function trimRound(tx: Tx, beforeMs: number, nowMs: number): Promise<number> {
  const oldest = await tx
    .selectFrom('audit')
    .select(['id', 'time_ms', 'hash'])
    .orderBy('id')
    .limit(rowsPerRound + 1)
    .execute()
  // The first that stays. A clock that was set back makes a row older than the one before it: that one stays too.
  const kept = oldest.findIndex(({ time_ms: timeMs }) => timeMs >= beforeMs)
  const count = kept === -1 ? oldest.length - 1 : kept
  const last = oldest[count - 1]
  if (last === undefined) return 0
  const principal = platformActor.principal
  await appendAudit(tx, {
    time_ms: nowMs,
    principal_kind: principal.kind,
    principal_id: principal.id,
    action: trimAction,
    resource_type: 'audit',
    resource_id: String(last.id),
    site_id: null,
    before: null,
    after: JSON.stringify({ throughId: last.id, throughHash: last.hash }),
    request_id: null,
    address: null,
  })
  await tx.updateTable('audit_anchor').set({ through_id: last.id, hash: last.hash, removed_ms: nowMs }).execute()
  await tx.deleteFrom('audit').where('id', '<=', last.id).execute()
  return count
}
