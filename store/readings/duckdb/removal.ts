import type { Session } from './session.ts'
import { type ReadingTable, valueCountSql } from './tables.ts'

/** How the counts change. */
export interface Removed {
  readonly readings: number
  readonly rows: number
}

export async function removeBefore(
  session: Session,
  tables: readonly ReadingTable[],
  beforeMs: number,
): Promise<Removed> {
  let readings = 0
  let rows = 0
  for (const table of tables) {
    const where = `FROM ${table.name} WHERE time_ms < $1`
    const [count] = await session.select(`SELECT (${valueCountSql(table)})::DOUBLE ${where}`, [beforeMs])
    readings -= count?.[0] ?? 0
    rows -= await session.change(`DELETE ${where}`, [beforeMs])
  }
  return { readings, rows }
}
