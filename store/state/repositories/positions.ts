import type { Db, Tx } from '../schema.ts'
import { conflict } from './refusals.ts'

/** Not of a consumer: up to which step of alerts some were removed. */
export const stepsTrimmed = 'alert-steps-trimmed'

/** How far a consumer has come with its effects; 0 for one that never committed. */
export async function positionOf(db: Db, consumer: string): Promise<number> {
  const row = await db.selectFrom('positions').select('position').where('consumer', '=', consumer).executeTakeFirst()
  return row?.position ?? 0
}

/**
 * Moves a consumer to the position that its effects, written in the same transaction, reach to. False: it is there
 * already, for its caller did not hear that it had succeeded, and nothing is to be written. A `conflict` behind it.
 */
export async function advance(tx: Tx, consumer: string, position: number): Promise<boolean> {
  const reached = await positionOf(tx, consumer)
  if (position < reached)
    throw conflict(`commit position ${position} of ${consumer}`, 'position', `is behind ${reached}`)
  if (position === reached && position > 0) return false
  await put(tx, consumer, position)
  return true
}

/** The same without an order to keep: an earlier position changes nothing. */
export async function raise(tx: Tx, consumer: string, position: number): Promise<void> {
  if (position > (await positionOf(tx, consumer))) await put(tx, consumer, position)
}

async function put(tx: Tx, consumer: string, position: number): Promise<void> {
  await tx
    .insertInto('positions')
    .values({ consumer, position })
    .onConflict((stored) => stored.column('consumer').doUpdateSet({ position }))
    .execute()
}
