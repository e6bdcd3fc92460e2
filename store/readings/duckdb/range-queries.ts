import { emptyReadings } from '../columns.ts'
import type { RangeQuery, ReadingColumns } from '../reading-store.ts'
import type { Session } from './session.ts'
import {
  ascending,
  isOneOf,
  oneOrAll,
  qualityOf,
  type ReadingTable,
  type Slot,
  valueColumn,
  widestTable,
} from './tables.ts'

/** In whole numbers. */
export type RangeQuestion = Omit<RangeQuery, 'seriesId'> & { readonly slot: Slot }

/**
 * Of metrics and devices whose rows are of one table, with one statement: what lies from the first question's begin on, which is
 * that of all, and so is its limit. Each has columns of its own.
 */
export async function answerRanges(
  session: Session,
  questions: readonly RangeQuestion[],
): Promise<readonly ReadingColumns[]> {
  const [first] = questions
  const table = widestTable(questions.map(({ slot }) => slot))
  if (first === undefined || table === undefined) return []
  const { limit } = first
  const keys = [...new Set(questions.map(({ slot }) => slot.key))]
  const columns = ascending(new Set(questions.map(({ slot }) => slot.column)))
  const toMs = Math.max(...questions.map((question) => question.toMs))
  const mostRows = Math.min(limit * keys.length, Number.MAX_SAFE_INTEGER)
  const parameters = [oneOrAll(keys), first.fromMs, toMs, mostRows]
  const found = await session.select(rangesSql(table, keys, columns), parameters)
  const isCut = (found[0]?.length ?? 0) === mostRows && questions.length > 1
  const answers: ReadingColumns[] = []
  for (const question of questions) {
    const answer = pick(found, question, { column: columns.indexOf(question.slot.column), limit })
    // Others have filled the rows: what they left out may hold some of this one.
    const isWhole = !isCut || answer.timesMs.length === limit
    answers.push(isWhole ? answer : ((await answerRanges(session, [question]))[0] ?? answer))
  }
  return answers
}

function rangesSql(table: ReadingTable, keys: readonly number[], columns: readonly number[]): string {
  const values = columns.map((column) => valueColumn(table, column))
  const wanted = columns.map((column, i) => `${values[i]}, ${qualityOf(column)}::DOUBLE`)
  return `SELECT ${table.keyName}::DOUBLE, time_ms::DOUBLE, received_ms::DOUBLE, ${wanted.join(', ')} FROM ${table.name}
    WHERE ${isOneOf(table.keyName, keys)} AND time_ms >= $2 AND time_ms < $3 AND (${isAny(values)})
    ORDER BY ${keys.length > 1 ? `${table.keyName}, ` : ''}time_ms LIMIT $4`
}

export function isAny(values: readonly string[]): string {
  return values.map((value) => `${value} IS NOT NULL`).join(' OR ')
}

function pick(
  [keys, times, received, ...columns]: readonly Float64Array[],
  { slot, toMs }: RangeQuestion,
  { column, limit }: { readonly column: number; readonly limit: number },
): ReadingColumns {
  const [values, quality] = columns.slice(2 * column)
  if (!keys || !times || !received || !values || !quality) return emptyReadings(0)
  const rows: number[] = []
  for (let row = 0; row < keys.length && rows.length < limit; row++)
    if (keys[row] === slot.key && !Number.isNaN(values[row]) && (times[row] ?? 0) < toMs) rows.push(row)
  const doubles = (column: Float64Array) => Float64Array.from(rows, (row) => column[row] ?? Number.NaN)
  return {
    timesMs: doubles(times),
    values: doubles(values),
    quality: Uint8Array.from(rows, (row) => quality[row] ?? 0),
    receivedMs: doubles(received),
  }
}
