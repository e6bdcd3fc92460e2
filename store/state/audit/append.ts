import { AppError } from '../../../model/index.ts'
import type { AuditCheckpoint } from '../audit-store.ts'
import { takeNumber } from '../counters.ts'
import type { Db, Tx } from '../schema.ts'
import { type AuditContent, auditHash } from './chain.ts'

/** Adds a row to the end of the chain; the counter's row, locked until the commit, keeps others from the same place. */
export async function appendAudit(tx: Tx, content: AuditContent): Promise<void> {
  const id = await takeNumber(tx, 'audit')
  const { hash: previous } = await auditHead(tx)
  await tx
    .insertInto('audit')
    .values({ id, ...content, previous_hash: previous, hash: auditHash(previous, content) })
    .execute()
}

/** The newest row; of an empty log the place where its first row goes. */
export async function auditHead(db: Db): Promise<AuditCheckpoint> {
  const row = await db.selectFrom('audit').select(['id', 'hash']).orderBy('id', 'desc').limit(1).executeTakeFirst()
  return row ?? auditAnchor(db)
}

/** The last row that retention removed: what the oldest row there follows. */
export async function auditAnchor(db: Db): Promise<AuditCheckpoint> {
  const row = await db.selectFrom('audit_anchor').select(['through_id', 'hash']).executeTakeFirst()
  if (row === undefined) throw new AppError('store_failed', 'read the anchor of the audit log failed: there is none')
  return { id: row.through_id, hash: row.hash }
}
