import { emptyReadings, wholeMs } from '../columns.ts'
import type { RangeQuery, ReadingColumns } from '../reading-store.ts'
import type { Session } from './session.ts'
import { qualityOf, type RowKey, valueColumn } from './tables.ts'

/** Readings of several metrics whose rows are the same; index i is of `columns[i]`. Each has its own first `limit`. */
export async function selectRanges(
  session: Session,
  row: RowKey & { readonly columns: readonly number[] },
  query: Omit<RangeQuery, 'seriesId'>,
): Promise<readonly ReadingColumns[]> {
  const { table, key, columns } = row
  const values = columns.map((column) => valueColumn(table, column))
  const wanted = columns.map((column, i) => `${values[i]}, ${qualityOf(column)}::DOUBLE`)
  const sql = `SELECT time_ms::DOUBLE, received_ms::DOUBLE, ${wanted.join(', ')} FROM ${table.name}
    WHERE ${table.keyName} = $1::INTEGER AND time_ms >= $2 AND time_ms < $3 AND (${isAny(values)})
    ORDER BY time_ms LIMIT $4`
  const limit = Math.min(Math.floor(query.limit), Number.MAX_SAFE_INTEGER)
  const parameters = [key, wholeMs(query.fromMs), wholeMs(query.toMs), limit]
  const [timesMs, receivedMs, ...pairs] = await session.select(sql, parameters)
  const answers: ReadingColumns[] = []
  for (const [i, column] of columns.entries()) {
    const [value, quality] = pairs.slice(2 * i)
    if (!timesMs || !receivedMs || !value || !quality) answers.push(emptyReadings(0))
    else {
      const answer = present({ timesMs, values: value, quality, receivedMs })
      // Others have filled the rows: what they left out may hold some of this one.
      const isCut = columns.length > 1 && timesMs.length === limit && answer.timesMs.length < limit
      answers.push(isCut ? await selectAlone(column) : answer)
    }
  }
  return answers

  async function selectAlone(column: number): Promise<ReadingColumns> {
    const [alone = emptyReadings(0)] = await selectRanges(session, { table, key, columns: [column] }, query)
    return alone
  }
}

export function isAny(values: readonly string[]): string {
  return values.map((value) => `${value} IS NOT NULL`).join(' OR ')
}

/** The rows that have a value. */
function present(rows: Omit<ReadingColumns, 'quality'> & { readonly quality: Float64Array }): ReadingColumns {
  const { values } = rows
  const isThere = (_: number, row: number) => !Number.isNaN(values[row])
  return {
    timesMs: rows.timesMs.filter(isThere),
    values: values.filter(isThere),
    quality: Uint8Array.from(rows.quality.filter(isThere)),
    receivedMs: rows.receivedMs.filter(isThere),
  }
}
