import { emptyReadings, wholeMs } from '../columns.ts'
import type { RangeQuery, ReadingColumns } from '../reading-store.ts'
import type { Connection } from './connection.ts'
import type { SeriesPath } from './layout.ts'
import { quoteName, receivedField } from './names.ts'
import { numberIn } from './query.ts'

/** Rows asked for at once: a longer answer is read in several. */
const pageRows = 20_000
/** A query of thousands of statements is answered no faster than several of so many. */
export const statementsAtOnce = 100
/** Times that InfluxQL can say; what lies outside is not there. */
const farthestMs = 9_223_372_036_854

export interface RangeMs {
  readonly fromMs: number
  readonly toMs: number
}

export async function selectRange(
  connection: Connection,
  path: SeriesPath,
  query: RangeQuery,
): Promise<ReadingColumns> {
  const columns = { times: [] as number[], values: [] as number[], quality: [] as number[], received: [] as number[] }
  const limit = Math.max(0, Math.floor(query.limit))
  for await (const [timeMs, value, quality, received] of readRange(connection, path, query)) {
    if (columns.times.length >= limit) break
    columns.times.push(timeMs)
    columns.values.push(value)
    columns.quality.push(quality)
    columns.received.push(received)
  }
  return {
    timesMs: Float64Array.from(columns.times),
    values: Float64Array.from(columns.values),
    quality: Uint8Array.from(columns.quality),
    receivedMs: Float64Array.from(columns.received),
  }
}

type Row = readonly [timeMs: number, value: number, quality: number, receivedMs: number]

/** A point without the metric has a row as well, so pages are cut by rows and not by readings. */
export async function* readRange(connection: Connection, path: SeriesPath, query: RangeQuery): AsyncGenerator<Row> {
  const fields = [path.value, path.quality, quoteName(receivedField)].join(', ')
  const { toMs, fromMs: first } = withinBounds(query)
  for (let fromMs = first; fromMs < toMs; ) {
    const wanted = Math.min(pageRows, Math.max(1_000, query.limit))
    const sql = `SELECT ${fields} FROM ${path.from} WHERE ${path.where} AND ${timeWithin({ fromMs, toMs })} LIMIT ${wanted}`
    let rowsRead = 0
    for await (const { rows } of connection.query(sql))
      for (const row of rows) {
        rowsRead++
        fromMs = numberIn(row, 0) + 1
        const value = numberIn(row, 1)
        if (!Number.isNaN(value)) yield [numberIn(row, 0), value, numberIn(row, 2) || 0, numberIn(row, 3)]
      }
    if (rowsRead < wanted) return
  }
}

export function withinBounds({ fromMs, toMs }: RangeMs): RangeMs {
  return { fromMs: Math.max(wholeMs(fromMs), -farthestMs), toMs: Math.min(wholeMs(toMs), farthestMs) }
}

export function timeWithin({ fromMs, toMs }: RangeMs): string {
  return `time >= ${fromMs}ms AND time < ${toMs}ms`
}

/** The newest reading of each series; an undefined path has none. */
export async function selectLatest(
  connection: Connection,
  paths: readonly (SeriesPath | undefined)[],
): Promise<ReadingColumns> {
  const answer = emptyReadings(paths.length)
  const asked = [...paths.entries()].flatMap(([index, path]) => (path === undefined ? [] : { index, path }))
  for (let from = 0; from < asked.length; from += statementsAtOnce) {
    const some = asked.slice(from, from + statementsAtOnce)
    const statements = some.map(({ path }) => {
      // A selector brings the time of its point along, and its other fields.
      const fields = `LAST(${path.value}), ${path.quality}, ${quoteName(receivedField)}`
      return `SELECT ${fields} FROM ${path.from} WHERE ${path.where}`
    })
    for await (const { statement, rows } of connection.query(...statements)) {
      const index = some[statement]?.index
      const [row] = rows
      if (index === undefined || row === undefined) continue
      answer.timesMs[index] = numberIn(row, 0)
      answer.values[index] = numberIn(row, 1)
      answer.quality[index] = numberIn(row, 2) || 0
      answer.receivedMs[index] = numberIn(row, 3)
    }
  }
  return answer
}
