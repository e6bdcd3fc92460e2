import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AuditCheckpoint, AuditComparison, AuditFault, AuditStep } from '../audit-store.ts'
import { lastNumber } from '../counters.ts'
import type { Db, StateSchema } from '../schema.ts'
import { auditAnchor, auditHead } from './append.ts'
import { auditHash } from './chain.ts'
import { anchorFault, checkpointFault, linkFault, tailFault } from './faults.ts'
import { trimAction } from './trim.ts'

const rowsPerPage = 1_000
/** Retention may remove rows under a walk's feet, once a day. */
const maxWalks = 3

/**
 * Walks the chain from its anchor to the row that is the newest now and computes every hash anew; tells how far it is after
 * each page, and at the end what it found. It ends at the first fault.
 */
export async function* verifyAudit(db: Db, comparison: AuditComparison): AsyncGenerator<AuditStep> {
  for (let walk = 1; ; walk++) {
    const anchor = await auditAnchor(db)
    // The head between the two, for a row and its number are committed together.
    const given = { atLeast: await lastNumber(db, 'audit'), atMost: 0 }
    const head = await auditHead(db)
    given.atMost = await lastNumber(db, 'audit')
    const total = head.id - anchor.id
    let checked = 0
    let before = anchor
    let saidOfAnchor: string | null = null
    let fault: AuditFault | undefined
    for await (const rows of pages(db, head.id)) {
      for (const row of rows) {
        if (!follows(before, row)) {
          fault = await linkFault(db, before, row)
          break
        }
        before = row
        checked++
        if (row.action === trimAction) saidOfAnchor = row.after
      }
      if (fault !== undefined) break
      yield { kind: 'progress', checked, total }
    }
    fault ??= tailFault(before, given) ?? anchorFault(anchor, saidOfAnchor)
    fault ??= await checkpointFault(db, { anchor, head: before, ...comparison })
    if (fault !== undefined && walk < maxWalks && (await auditAnchor(db)).id !== anchor.id) continue
    const { id, hash } = before
    yield { kind: 'verdict', checked, removedThrough: anchor.id, head: { id, hash }, fault: fault ?? null }
    return
  }
}

type Row = StateSchema['audit']

function follows(before: AuditCheckpoint, row: Row): boolean {
  const isNext = row.id === before.id + 1 && row.previous_hash === before.hash
  return isNext && row.hash === auditHash(row.previous_hash, row)
}

/** From the first row there is, for none belongs before the anchor. */
async function* pages(db: Db, throughId: number): AsyncGenerator<readonly Row[]> {
  let query = db.selectFrom('audit').selectAll().where('id', '<=', throughId).orderBy('id').limit(rowsPerPage)
  for (;;) {
    const rows: readonly Row[] = await query.execute()
    yield rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < rowsPerPage) return
    query = query.clearWhere().where('id', '>', last.id).where('id', '<=', throughId)
    // The database answers without letting go of the thread, so this has to.
    await nextTurn()
  }
}
