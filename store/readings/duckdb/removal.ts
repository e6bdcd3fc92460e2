import type { Session } from './session.ts'
import { type ReadingTable, type Slot, valueCountSql } from './tables.ts'

const allQuality = 2n ** 64n - 1n

/** How the counts change. */
export interface Removed {
  readonly readings: number
  readonly rows: number
}

/** Takes a series out of its rows; rows that hold nothing else go. */
export async function removeSlot(
  session: Session,
  slot: Slot,
  range: { readonly fromMs: number; readonly toMs: number },
): Promise<Removed> {
  const { table, column } = slot
  const value = table.columns[column]
  const parameters = [slot.key, range.fromMs, range.toMs]
  const where = `${table.keyName} = $1::INTEGER AND time_ms >= $2 AND time_ms < $3`
  const otherQuality = `${allQuality ^ (3n << BigInt(2 * column))}::UBIGINT`
  const update = `UPDATE ${table.name} SET ${value} = NULL, quality = quality & ${otherQuality}
    WHERE ${where} AND ${value} IS NOT NULL`
  const readings = await session.change(update, parameters)
  if (readings === 0) return { readings: 0, rows: 0 }
  const rows = await session.change(
    `DELETE FROM ${table.name} WHERE ${where} AND coalesce(${table.columns.join(', ')}) IS NULL`,
    parameters,
  )
  return { readings: -readings, rows: -rows }
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
