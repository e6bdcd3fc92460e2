import type { RolledTable } from './rolled-state.ts'
import { rolledName } from './rolled-tables.ts'
import type { Session } from './session.ts'
import { type ReadingTable, valueCountSql } from './tables.ts'

const dayMs = 86_400_000

/** How the counts change, and before when there are rollups but no raw readings any more; -Infinity: nowhere. */
export interface Removed {
  readonly readings: number
  readonly rows: number
  readonly rawFromMs: number
}

/** Begins of UTC days. */
export interface Expiry {
  readonly beforeMs: number
  /** Not after `beforeMs`. */
  readonly rolledBeforeMs: number
}

/** Rollups that outlive the readings are complete: whoever calls has seen to it. */
export async function removeBefore(
  session: Session,
  tables: readonly ReadingTable[],
  { beforeMs, rolledBeforeMs }: Expiry,
): Promise<Removed> {
  let readings = 0
  let rows = 0
  for (const table of tables) {
    const where = `FROM ${table.name} WHERE time_ms < $1`
    const [count] = await session.select(`SELECT (${valueCountSql(table)})::DOUBLE ${where}`, [beforeMs])
    readings -= count?.[0] ?? 0
    rows -= await session.change(`DELETE ${where}`, [beforeMs])
    await session.change(`DELETE FROM ${rolledName(table)} WHERE slot_ms < $1`, [rolledBeforeMs])
  }
  await session.change('DELETE FROM rolled_again WHERE day < $1', [beforeMs / dayMs])
  return { readings, rows, rawFromMs: rolledBeforeMs < beforeMs ? beforeMs : Number.NEGATIVE_INFINITY }
}

/** What `removeBefore` has removed is not to be rolled up again. */
export function forgetBefore(rolled: readonly RolledTable[], beforeMs: number): void {
  for (const { again } of rolled) for (const day of [...again.keys()]) if (day < beforeMs / dayMs) again.delete(day)
}
