import { AppError } from '../../model/index.ts'
import type { Db, Tx } from './schema.ts'

export type Counter = 'device' | 'series' | 'audit' | 'outbox' | 'rejected' | 'alert' | 'alert-event' | 'notification'

/**
 * The next number of a counter (the first of `count` in a row), from 1 on and never given twice. The counter's row
 * stays locked until the transaction ends, so numbers are in the order of the commits: the outbox and the lists by
 * time rely on that, and neither database's own sequences promise it.
 */
export async function takeNumber(tx: Tx, name: Counter, count = 1): Promise<number> {
  const row = await tx
    .insertInto('counters')
    .values({ name, value: count })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet((eb) => ({ value: eb('counters.value', '+', eb.ref('excluded.value')) })),
    )
    .returning('value')
    .executeTakeFirst()
  if (row === undefined) throw new AppError('internal', `take number of ${name} failed`)
  return row.value - count + 1
}

/** The number that was taken last; 0: none was. */
export async function lastNumber(db: Db, name: Counter): Promise<number> {
  const row = await db.selectFrom('counters').select('value').where('name', '=', name).executeTakeFirst()
  return row?.value ?? 0
}
