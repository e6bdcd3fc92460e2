import { meanScale } from '../columns.ts'
import type { RangeQuery, RollupColumns } from '../reading-store.ts'
import { forgetBefore } from './removal.ts'
import { type Progress, type RolledTable, saveProgress } from './rolled-state.ts'
import { rolledColumns, rolledName } from './rolled-tables.ts'
import { rollForward } from './roller.ts'
import type { Session } from './session.ts'
import type { Slot } from './tables.ts'
import { inTransaction } from './transaction.ts'

export const noRollups: RollupColumns = columnsOf([])

export async function selectRollups(
  session: Session,
  { table, key, column }: Slot,
  { fromMs, toMs }: Pick<RangeQuery, 'fromMs' | 'toMs'>,
): Promise<RollupColumns> {
  const { count, scaled, min, max, first, last } = rolledColumns(column)
  const sql = `SELECT slot_ms::DOUBLE, ${count}::DOUBLE, ${scaled} / ${meanScale}, ${min}, ${max}, ${first}, ${last}
    FROM ${rolledName(table)}
    WHERE key = $1::INTEGER AND slot_ms >= $2 AND slot_ms < $3 AND ${count} > 0 ORDER BY slot_ms`
  return columnsOf(await session.select(sql, [key, fromMs, toMs]))
}

/** Rows of this metric alone: a slot may have several, each metric in one of them. */
export async function replaceRollups(session: Session, slot: Slot, rollups: RollupColumns): Promise<void> {
  const { table, key, column } = slot
  const names = Object.values(rolledColumns(column))
  const { slotsMs, count, sum, min, max, first, last } = rollups
  const scaled = sum.map((value) => value * meanScale)
  await inTransaction(session, async () => {
    const nulls = names.map((name) => `${name} = NULL`).join(', ')
    await session.change(
      `UPDATE ${rolledName(table)} SET ${nulls} WHERE key = $1::INTEGER AND slot_ms >= $2 AND slot_ms <= $3 AND ${names[0]} > 0`,
      [key, slotsMs[0] ?? 0, slotsMs.at(-1) ?? 0],
    )
    for (let from = 0; from < slotsMs.length; from += rowsAtOnce) {
      const rows: string[] = []
      for (let i = from; i < Math.min(slotsMs.length, from + rowsAtOnce); i++) {
        const values = [slotsMs, count, scaled, min, max, first, last].map((values) => sqlNumber(values[i] ?? 0))
        rows.push(`(${key}, ${values.join(', ')})`)
      }
      await session.run(
        `INSERT INTO ${rolledName(table)} (key, slot_ms, ${names.join(', ')}) VALUES ${rows.join(', ')}`,
      )
    }
  })
}

/** Everything before counts as rolled up, and is never rolled up again. */
export async function reachAtLeast(session: Session, rolled: RolledTable, beforeMs: number): Promise<void> {
  while (!Number.isNaN(rolled.progress.nextMs)) await rollForward(session, rolled, rolled.progress.nextMs)
  const untilMs = Math.max(rolled.progress.untilMs, beforeMs)
  const progress: Progress = { ...rolled.progress, untilMs }
  await inTransaction(session, async () => {
    await saveProgress(session, rolled.table, progress)
    const noted = 'DELETE FROM rolled_again WHERE table_number = $1::INTEGER AND day < $2'
    await session.change(noted, [rolled.table.index, beforeMs / dayMs])
  })
  rolled.progress = progress
  forgetBefore([rolled], beforeMs)
}

const dayMs = 86_400_000
const rowsAtOnce = 2_000

/** As exact as it is; -0 too. */
function sqlNumber(value: number): string {
  return `'${Object.is(value, -0) ? '-0.0' : value}'::DOUBLE`
}

function columnsOf(columns: readonly Float64Array[]): RollupColumns {
  const empty = new Float64Array(0)
  const [slotsMs = empty, count = empty, sum = empty, min = empty, max = empty, first = empty, last = empty] = columns
  return { slotsMs, count, sum, min, max, first, last }
}
