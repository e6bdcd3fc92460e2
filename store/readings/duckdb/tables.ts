import type { SeriesId } from '../../../model/index.ts'

/** Columns of metrics in one table: the quality of a row is a UBIGINT with two bits for each. */
export const maxMetricColumns = 32

/**
 * A table of rows (key, time). Wide: the key is the device, a column per metric of its profile. Narrow: the key is the
 * series, the only column its value; for discovered metrics and for those that a full wide table could not take.
 */
export interface ReadingTable {
  /** Place in `Layout.tables`; 0 is the narrow one. */
  readonly index: number
  /** As SQL writes it, like the names below. */
  readonly name: string
  readonly keyName: 'device' | 'series'
  readonly columns: readonly string[]
}

/** Whose rows. */
export interface RowKey {
  readonly table: ReadingTable
  readonly key: number
}

/** Where a series lies; it never moves. */
export interface Slot extends RowKey {
  readonly column: number
}

/** Slots as arrays by series id, for the loop over a batch. */
export class SlotMap {
  /** Index of the table; -1: not placed yet. */
  tables: Int16Array = new Int16Array(0)
  keys: Int32Array = new Int32Array(0)
  columns: Uint8Array = new Uint8Array(0)

  has(seriesId: SeriesId): boolean {
    return (this.tables[seriesId] ?? -1) >= 0
  }

  set(seriesId: SeriesId, slot: Slot): void {
    if (seriesId >= this.tables.length) this.#grow(seriesId + 1)
    this.tables[seriesId] = slot.table.index
    this.keys[seriesId] = slot.key
    this.columns[seriesId] = slot.column
  }

  #grow(atLeast: number): void {
    const size = Math.max(1_024, atLeast, this.tables.length * 2)
    const tables = new Int16Array(size).fill(-1)
    tables.set(this.tables)
    const keys = new Int32Array(size)
    keys.set(this.keys)
    const columns = new Uint8Array(size)
    columns.set(this.columns)
    this.tables = tables
    this.keys = keys
    this.columns = columns
  }
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

const rowColumns = 'time_ms BIGINT, received_ms BIGINT, device_time_ms BIGINT, quality UBIGINT'

export function createTableSql(table: ReadingTable): string {
  const metrics = table.columns.map((column) => `, ${column} DOUBLE`).join('')
  return `CREATE TABLE ${table.name} (${table.keyName} INTEGER, ${rowColumns}${metrics})`
}

/** Of slots in one table, which may have become wider meanwhile: as it was last. */
export function widestTable(slots: readonly Slot[]): ReadingTable | undefined {
  return slots.reduce<ReadingTable | undefined>(
    (widest, { table }) => (table.columns.length > (widest?.columns.length ?? -1) ? table : widest),
    undefined,
  )
}

/** The same columns in the same order make the same statement, which is prepared once. */
export function ascending(columns: ReadonlySet<number>): number[] {
  return [...columns].sort((a, b) => a - b)
}

/** Whether a column is one of the keys in $1: a number where there is one, which finds it faster in sorted rows. */
export function isOneOf(column: string, keys: readonly number[]): string {
  return keys.length === 1 ? `${column} = $1::INTEGER` : `${column} IN (SELECT unnest($1::INTEGER[]))`
}

export function oneOrAll(keys: readonly number[]): number | readonly number[] {
  const [first] = keys
  return keys.length === 1 && first !== undefined ? first : keys
}

export function valueColumn({ columns }: ReadingTable, column: number): string {
  return columns[column] ?? 'NULL'
}

/** The two quality bits of a column as a number. */
export function qualityOf(column: number): string {
  return `((quality >> ${2 * column}) & 3)`
}

/** The sum of what a row holds in values, as a count over rows. */
export function valueCountSql(table: ReadingTable): string {
  return table.columns.map((column) => `count(${column})`).join(' + ')
}
