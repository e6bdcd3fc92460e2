import type { Session } from './session.ts'
import type { StagedTable } from './staged-table.ts'
import { appendKeys } from './table-writer.ts'

export const lateKeysSql = 'CREATE TEMP TABLE late_keys (key INTEGER, time_ms BIGINT)'

/** What was stored already of the late rows. */
export interface Replaced {
  readonly rows: number
  /** Values both stored and sent again. */
  readonly values: number
}

/**
 * Completes a table's late rows with what is stored of them, column by column, what was sent last winning, and deletes
 * those stored: the late rows can be appended then. By UTC day, because rows of one day lie together and a delete that
 * spans many days scans them all.
 */
export async function takeStoredRows(session: Session, staged: StagedTable): Promise<Replaced> {
  const { table, late } = staged
  const replaced = { rows: 0, values: 0 }
  if (late.rows === 0) return replaced
  await appendKeys(session.connection, late)
  // As joins: the same asked with EXISTS takes ten times as long.
  const isLate = `l.key = t.${table.keyName} AND l.time_ms = t.time_ms`
  const select = `SELECT t.${table.keyName}::DOUBLE, t.time_ms::DOUBLE, (t.quality & 4294967295)::DOUBLE,
    (t.quality >> 32)::DOUBLE, ${table.columns.map((column) => `t.${column}`).join(', ')}
    FROM ${table.name} t SEMI JOIN late_keys l ON ${isLate} WHERE t.time_ms BETWEEN $1 AND $2`
  const remove = `DELETE FROM ${table.name} t USING late_keys l WHERE t.time_ms BETWEEN $1 AND $2 AND ${isLate}`
  for (const { fromMs, toMs } of late.spansByDay()) {
    const [keys, timesMs, lowBits, highBits, ...columns] = await session.select(select, [fromMs, toMs])
    if (!keys || !timesMs || !lowBits || !highBits || keys.length === 0) continue
    for (const [i, key] of keys.entries()) {
      const row = staged.findLate(key, timesMs[i] ?? Number.NaN)
      for (const [column, values] of columns.entries()) {
        const value = values[i] ?? Number.NaN
        if (Number.isNaN(value)) continue
        if (late.has(row, column)) replaced.values++
        else late.set(row, column, value, (((column < 16 ? lowBits : highBits)[i] ?? 0) >>> ((column & 15) * 2)) & 3)
      }
    }
    replaced.rows += await session.change(remove, [fromMs, toMs])
  }
  await session.run('DELETE FROM late_keys')
  return replaced
}
