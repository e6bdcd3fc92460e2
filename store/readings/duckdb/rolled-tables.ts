import { meanScale } from '../columns.ts'
import { slotMs } from '../rollups/index.ts'
import type { Session } from './session.ts'
import type { ReadingTable } from './tables.ts'

/**
 * Beside each table of readings one of rollups: a row per key and slot, and per metric its count, its scaled sum, and its
 * lowest, highest, first and last value. A slot without readings has no row, a metric without any a count of 0 or NULL.
 */
export function rolledName(table: ReadingTable): string {
  return `rolled_${table.index}`
}

interface RolledColumns {
  readonly count: string
  readonly scaled: string
  readonly min: string
  readonly max: string
  readonly first: string
  readonly last: string
}

export function rolledColumns(column: number): RolledColumns {
  const name = (letter: string) => `${letter}${column}`
  return { count: name('n'), scaled: name('s'), min: name('l'), max: name('h'), first: name('f'), last: name('e') }
}

export const rolledSchemaSql: readonly string[] = [
  // Everything before `until_ms` is rolled up, and of keys up to `next_key` everything before `next_ms`; of keys and days in `rolled_again` nothing.
  'CREATE TABLE rolled_state (table_number INTEGER, until_ms BIGINT, next_ms BIGINT, next_key INTEGER, sorted_ms BIGINT)',
  'CREATE TABLE rolled_again (table_number INTEGER, key INTEGER, day BIGINT)',
  'ALTER TABLE store ADD COLUMN raw_from_ms BIGINT',
]

/** What a table's rollups need more for its columns from `firstColumn` on. */
export function widenRolledSql(table: ReadingTable, firstColumn: number): readonly string[] {
  const added = table.columns.slice(firstColumn).flatMap((_, i) => {
    const { count, ...doubles } = rolledColumns(firstColumn + i)
    return [`${count} INTEGER`, ...Object.values(doubles).map((name) => `${name} DOUBLE`)]
  })
  return [
    `CREATE TABLE IF NOT EXISTS ${rolledName(table)} (key INTEGER, slot_ms BIGINT)`,
    ...added.map((column) => `ALTER TABLE ${rolledName(table)} ADD COLUMN ${column}`),
  ]
}

/** How many metrics each table's rollups have columns for, by table. */
export async function rolledWidths(session: Session): Promise<ReadonlyMap<string, number>> {
  const sql = `SELECT table_name, (count(*) - 2)::VARCHAR FROM duckdb_columns()
    WHERE starts_with(table_name, 'rolled_') AND table_name NOT IN ('rolled_state', 'rolled_again') GROUP BY table_name`
  const perMetric = Object.keys(rolledColumns(0)).length
  return new Map((await session.texts(sql)).map(([name = '', columns]) => [name, Number(columns) / perMetric]))
}

/** Rolls up what `where` leaves of a table's rows; `baseMs` is a slot's begin, and none of their times is before it. */
export function rollSql(table: ReadingTable, baseMs: number, where: string): string {
  const slot = `(time_ms - ${baseMs}) // ${slotMs} * ${slotMs} + ${baseMs}`
  const names: string[] = []
  const values: string[] = []
  for (const [column, v] of table.columns.entries()) {
    names.push(...Object.values(rolledColumns(column)))
    values.push(`count(${v}), sum(${v} * ${meanScale}), min(${v}), max(${v})`)
    values.push(`arg_min(${v}, time_ms), arg_max(${v}, time_ms)`)
  }
  return `INSERT INTO ${rolledName(table)} (key, slot_ms, ${names.join(', ')})
    SELECT ${table.keyName}, ${slot} AS slot, ${values.join(', ')} FROM ${table.name} WHERE ${where}
    GROUP BY ${table.keyName}, slot ORDER BY ${table.keyName}, slot`
}
