import { sql } from 'kysely'
import { AppError, isAppError } from '../../model/index.ts'
import type { Db, Tx } from './schema.ts'
import { untilEnd } from './until-end.ts'

/** Runs work in a transaction; resolves once it is committed. */
export type RunInTransaction = <Result>(work: (tx: Tx) => Promise<Result>) => Promise<Result>

/** Works that share a commit at most: the write lock is held for some 5 ms, not longer. */
const maxShared = 16
/** Beyond it a work is refused, retryable; at 0.3 ms each these are three seconds. */
const maxWaiting = 10_000

interface Waiting {
  /** Resolves with what tells the caller, after the commit, how its work went. */
  run(tx: Tx): Promise<Settle>
  fail(error: unknown): void
}

type Settle = () => void

/**
 * Transactions that share their fsync: what is asked for while one commits gathers and is committed together, each work
 * behind a savepoint of its own, so that one that is refused takes nothing of the others along. A work asked for alone
 * waits for nobody. When the database itself fails, all works of that commit fail with it.
 */
export function createSharedCommit(db: Db): RunInTransaction {
  const waiting: Waiting[] = []
  let running = false

  async function drain(): Promise<void> {
    running = true
    for (let batch = waiting.splice(0, maxShared); batch.length > 0; batch = waiting.splice(0, maxShared)) {
      const settles: Settle[] = []
      try {
        await db.transaction().execute(async (tx) => {
          for (const one of batch) settles.push(await one.run(tx))
        })
        for (const settle of settles) settle()
      } catch (error) {
        for (const one of batch) one.fail(error)
      }
    }
    running = false
  }

  return (work) =>
    new Promise((resolve, reject) => {
      if (waiting.length >= maxWaiting) {
        const message = `change state failed: ${maxWaiting} changes are waiting`
        reject(new AppError('store_unavailable', message, { retryable: true }))
        return
      }
      waiting.push({
        async run(tx) {
          const outcome = await attempt(tx, work)
          return outcome.ok ? () => resolve(outcome.result) : () => reject(outcome.error)
        },
        fail: reject,
      })
      if (!running) void drain()
    })
}

type Outcome<Result> = { readonly ok: true; readonly result: Result } | { readonly ok: false; readonly error: unknown }

async function attempt<Result>(tx: Tx, work: (tx: Tx) => Promise<Result>): Promise<Outcome<Result>> {
  await sql`savepoint one_work`.execute(tx)
  const bounded = untilEnd(tx)
  try {
    const result = await Promise.try(work, bounded.tx).finally(bounded.end)
    await sql`release savepoint one_work`.execute(tx)
    return { ok: true, result }
  } catch (error) {
    // The database may have ended the transaction by itself: a savepoint set then would begin another one.
    if (isAppError(error, 'store_unavailable') || isAppError(error, 'store_failed')) throw error
    await sql`rollback to savepoint one_work`.execute(tx)
    await sql`release savepoint one_work`.execute(tx)
    return { ok: false, error }
  }
}
