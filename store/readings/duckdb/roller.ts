import type { RollUp, RollUpStep } from '../reading-store.ts'
import { slotStart } from '../rollups/index.ts'
import { type Progress, type RolledTable, saveProgress } from './rolled-state.ts'
import { rolledName, rollSql } from './rolled-tables.ts'
import type { Session } from './session.ts'
import type { ReadingTable } from './tables.ts'
import { inTransaction } from './transaction.ts'

const dayMs = 86_400_000
/** Rows that one step reads: writes wait for it. */
const stepRows = 100_000
/** Rollups are rewritten in order of their keys when so long a time is over: a device's year lies in a dozen places then. */
const sortedTogetherMs = 32 * dayMs
/** Most readings that come late have come by then. */
const sortAfterMs = 2 * dayMs

/** The next step of all tables; undefined: nothing is left to do. */
export async function rollStep(
  session: Session,
  tables: readonly RolledTable[],
  { beforeMs, what }: { readonly beforeMs: number; readonly what: RollUp },
): Promise<RollUpStep | undefined> {
  for (const rolled of tables) {
    const step =
      (await rollForward(session, rolled, beforeMs)) ??
      (what === 'all' ? await rollAgain(session, rolled) : undefined) ??
      (await sortRolled(session, rolled))
    if (step !== undefined) return step
  }
  return undefined
}

/** The next piece of work on what lies before `beforeMs`, a transaction of bounded length; undefined: nothing is left to do. */
export async function rollForward(
  session: Session,
  rolled: RolledTable,
  beforeMs: number,
): Promise<RollUpStep | undefined> {
  const { table, progress } = rolled
  const endMs = slotStart(beforeMs)
  const isUnderWay = !Number.isNaN(progress.nextMs)
  if (!isUnderWay && progress.untilMs >= endMs) return undefined
  if (progress.untilMs === Number.NEGATIVE_INFINITY) {
    const firstMs = await firstTime(session, table, -Number.MAX_SAFE_INTEGER)
    if (!(firstMs < endMs)) return undefined
    return advance(session, rolled, { ...progress, untilMs: slotStart(firstMs) })
  }
  const fromMs = progress.untilMs
  const toMs = isUnderWay ? progress.nextMs : Math.min(endMs, (Math.floor(fromMs / dayMs) + 1) * dayMs)
  const sql = `SELECT ${table.keyName}::DOUBLE, count(*)::DOUBLE FROM ${table.name}
    WHERE time_ms >= $1 AND time_ms < $2 AND ${table.keyName} > $3::INTEGER GROUP BY 1 ORDER BY 1`
  const [keys, counts] = await session.select(sql, [fromMs, toMs, progress.nextKey])
  const { lastKey, isAll } = firstKeys(keys, counts)
  const done: Progress = { ...progress, untilMs: toMs, nextMs: Number.NaN, nextKey: -1 }
  if (lastKey === undefined) {
    const nextMs = await firstTime(session, table, toMs)
    const untilMs = Math.max(toMs, Math.min(endMs, Number.isNaN(nextMs) ? endMs : slotStart(nextMs)))
    return advance(session, rolled, { ...done, untilMs })
  }
  const where = `time_ms >= ${fromMs} AND time_ms < ${toMs} AND ${table.keyName} > ${progress.nextKey} AND ${table.keyName} <= ${lastKey}`
  const after = isAll ? done : { ...progress, nextMs: toMs, nextKey: lastKey }
  return advance(session, rolled, after, rollSql(table, slotStart(fromMs), where))
}

async function advance(session: Session, rolled: RolledTable, progress: Progress, sql?: string): Promise<RollUpStep> {
  await inTransaction(session, async () => {
    if (sql !== undefined) await session.run(sql)
    await saveProgress(session, rolled.table, progress)
  })
  rolled.progress = progress
  return { untilMs: progress.untilMs }
}

/** Some keys of a day that changed since. Not while `rollForward` has a step under way. */
export async function rollAgain(session: Session, rolled: RolledTable): Promise<RollUpStep | undefined> {
  const { table, again, progress } = rolled
  const [day, changed] = [...again].sort(([a], [b]) => a - b)[0] ?? []
  if (day === undefined || changed === undefined) return undefined
  const [fromMs, toMs] = [day * dayMs, Math.min((day + 1) * dayMs, progress.untilMs)]
  const isOne = `${table.keyName} IN (SELECT unnest($3::INTEGER[]))`
  const wanted = [...changed].sort((a, b) => a - b)
  const sql = `SELECT ${table.keyName}::DOUBLE, count(*)::DOUBLE FROM ${table.name}
    WHERE time_ms >= $1 AND time_ms < $2 AND ${isOne} GROUP BY 1 ORDER BY 1`
  const [keys, counts] = await session.select(sql, [fromMs, toMs, wanted])
  const { lastKey, isAll } = firstKeys(keys, counts)
  const some = isAll || lastKey === undefined ? wanted : wanted.filter((key) => key <= lastKey)
  await inTransaction(session, async () => {
    const remove = `DELETE FROM ${rolledName(table)} WHERE slot_ms >= $1 AND slot_ms < $2 AND key IN (SELECT unnest($3::INTEGER[]))`
    await session.change(remove, [fromMs, toMs, some])
    await session.change(rollSql(table, fromMs, `time_ms >= $1 AND time_ms < $2 AND ${isOne}`), [fromMs, toMs, some])
    const noted = `DELETE FROM rolled_again WHERE table_number = $1::INTEGER AND day = $2 AND key IN (SELECT unnest($3::INTEGER[]))`
    await session.change(noted, [table.index, day, some])
  })
  rolled.remove(some, day)
  return { untilMs: progress.untilMs }
}

/** Rewrites the rollups of a time that is over in the order that queries read them. */
export async function sortRolled(session: Session, rolled: RolledTable): Promise<RollUpStep | undefined> {
  const { table, progress } = rolled
  const name = rolledName(table)
  let fromMs = progress.sortedMs
  if (Number.isNaN(fromMs)) {
    const [first] = await session.select(`SELECT min(slot_ms)::DOUBLE FROM ${name}`, [])
    fromMs = Math.floor((first?.[0] ?? Number.NaN) / sortedTogetherMs) * sortedTogetherMs
  }
  const toMs = fromMs + sortedTogetherMs
  if (!(toMs + sortAfterMs <= progress.untilMs)) return undefined
  const where = `FROM ${name} WHERE slot_ms >= ${fromMs} AND slot_ms < ${toMs} AND key > ${rolled.sortedKey}`
  const [keys, counts] = await session.select(`SELECT key::DOUBLE, count(*)::DOUBLE ${where} GROUP BY 1 ORDER BY 1`, [])
  const { lastKey, isAll } = firstKeys(keys, counts)
  const sorted: Progress = isAll ? { ...progress, sortedMs: toMs } : progress
  const some = `${where} AND key <= ${lastKey ?? -1}`
  await inTransaction(session, async () => {
    await session.run(`CREATE TEMP TABLE sorted AS SELECT * ${some} ORDER BY key, slot_ms`)
    await session.run(`DELETE ${some}`)
    await session.run(`INSERT INTO ${name} SELECT * FROM sorted`)
    await session.run('DROP TABLE sorted')
    if (isAll) await saveProgress(session, table, sorted)
  })
  rolled.progress = sorted
  rolled.sortedKey = isAll ? -1 : (lastKey ?? -1)
  return { untilMs: progress.untilMs }
}

/** Of ascending keys, those that have no more rows than one step reads, or the first one. */
function firstKeys(keys: Float64Array | undefined, counts: Float64Array | undefined) {
  let lastKey: number | undefined
  let rows = 0
  for (const [i, key] of (keys ?? []).entries()) {
    if (lastKey !== undefined && rows + (counts?.[i] ?? 0) > stepRows) return { lastKey, isAll: false }
    rows += counts?.[i] ?? 0
    lastKey = key
  }
  return { lastKey, isAll: true }
}

async function firstTime(session: Session, table: ReadingTable, fromMs: number): Promise<number> {
  const [first] = await session.select(`SELECT min(time_ms)::DOUBLE FROM ${table.name} WHERE time_ms >= $1`, [fromMs])
  return first?.[0] ?? Number.NaN
}
