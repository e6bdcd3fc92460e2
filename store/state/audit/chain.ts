import { hash } from 'node:crypto'
import type { StateSchema } from '../schema.ts'

/** What a row says, without its place in the chain. */
export type AuditContent = Omit<StateSchema['audit'], 'id' | 'previous_hash' | 'hash'>

/** What the first row of all follows. */
export const genesisHash = '0'.repeat(64)

/**
 * SHA-256, in hexadecimal, of the UTF-8 of one JSON array without spaces: the hash of the row before, then the columns
 * in this order, `before` and `after` as the texts they are stored as. The number of a row is not in it, for the order
 * of rows is what the hashes say. It must never change: rows of years ago are checked with it. docs/audit.md tells
 * others how to compute it.
 */
export function auditHash(previousHash: string, row: AuditContent): string {
  const columns = [
    previousHash,
    row.time_ms,
    row.principal_kind,
    row.principal_id,
    row.action,
    row.resource_type,
    row.resource_id,
    row.site_id,
    row.before,
    row.after,
    row.request_id,
    row.address,
  ]
  return hash('sha256', JSON.stringify(columns), 'hex')
}
