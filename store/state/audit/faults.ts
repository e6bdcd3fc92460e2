import type { AuditCheckpoint, AuditComparison, AuditFault } from '../audit-store.ts'
import type { Db, StateSchema } from '../schema.ts'
import { auditHash } from './chain.ts'

type Row = StateSchema['audit']

/** What is wrong with a row that does not follow the one before it, told by where its hashes lead. */
export async function linkFault(db: Db, before: AuditCheckpoint, row: Row): Promise<AuditFault> {
  const { id, previous_hash: previousHash } = row
  const after = await nextRow(db, id)
  const isWhole = row.hash === auditHash(previousHash, row)
  const isLinked = previousHash === before.hash
  if (isWhole && isLinked) return fault('changed', id, `its number was changed: it comes after row ${before.id}`)
  if (isLinked) {
    if (after?.previous_hash === before.hash) return fault('inserted', id, `the row after it follows row ${before.id}`)
    return fault('changed', id, 'its hash is not that of what it says')
  }
  const followed = await rowByHash(db, previousHash)
  if (followed !== undefined && followed > id)
    return fault('reordered', id, `it follows row ${followed}, which stands behind it`)
  if (followed !== undefined && followed < before.id)
    return fault('inserted', followed + 1, `row ${id} follows row ${followed}, not row ${before.id}`)
  if (id > before.id + 1) return fault('missing', before.id + 1, `${rowsText(before.id + 1, id - 1)} gone`)
  if (!isWhole && after?.previous_hash === row.hash)
    return fault('changed', id, 'the hash that it says of the row before it is not of that row')
  if (!isWhole)
    return fault('inserted', id, 'it follows no row that is there, and its hash is not that of what it says')
  return fault('missing', id, `the row that it follows is gone, or another stands in its place as row ${before.id}`)
}

/** A number is given and its row written in one transaction: `given` is what the counter said before and after. */
export function tailFault(head: AuditCheckpoint, given: { atLeast: number; atMost: number }): AuditFault | undefined {
  if (head.id < given.atLeast)
    return fault('missing', head.id + 1, `the newest, ${rowsText(head.id + 1, given.atLeast)} gone`)
  if (head.id > given.atMost) return fault('inserted', given.atMost + 1, 'its number was never given')
  return undefined
}

/** What retention removed it has named in a row of the chain; `said` is the newest of these rows. */
export function anchorFault(anchor: AuditCheckpoint, said: string | null): AuditFault | undefined {
  if (anchor.id === 0 || said === JSON.stringify({ throughId: anchor.id, throughHash: anchor.hash })) return undefined
  return fault('missing', 1, `${rowsText(1, anchor.id)} gone, and no row says that retention removed them`)
}

/** Whoever computes the chain anew or cuts off its end cannot bring back the hashes that were written down elsewhere. */
export async function checkpointFault(
  db: Db,
  chain: AuditComparison & { readonly anchor: AuditCheckpoint; readonly head: AuditCheckpoint },
): Promise<AuditFault | undefined> {
  const { anchor, head, recorded, expected } = chain
  for (const { id, hash } of recorded) {
    if (id <= anchor.id || (await rowByHash(db, hash)) === id) continue
    if (id > head.id) return fault('missing', head.id + 1, `row ${id} was recorded as the newest once, and is gone`)
    return fault('changed', id, 'it is not the row that was recorded: the chain was computed anew up to it')
  }
  if (expected === undefined || expected === anchor.hash || (await rowByHash(db, expected)) !== undefined)
    return undefined
  return fault(
    'missing',
    null,
    `no row has the hash ${expected}: the newest rows were cut off, the chain was computed anew, or ` +
      (anchor.id === 0 ? 'it is of another platform' : `retention has removed it with the rows up to ${anchor.id}`),
  )
}

function fault(what: AuditFault['what'], id: number | null, detail: string): AuditFault {
  return { what, id, detail }
}

function rowsText(first: number, last: number): string {
  return first === last ? `row ${first} is` : `rows ${first} to ${last} are`
}

async function rowByHash(db: Db, hash: string): Promise<number | undefined> {
  return (await db.selectFrom('audit').select('id').where('hash', '=', hash).executeTakeFirst())?.id
}

async function nextRow(db: Db, id: number): Promise<Row | undefined> {
  return db.selectFrom('audit').selectAll().where('id', '>', id).orderBy('id').limit(1).executeTakeFirst()
}
