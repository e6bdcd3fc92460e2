import { checkEdges, emptyBuckets, emptyReadings, meanScale, wholeMs } from '../columns.ts'
import type { BucketColumns, BucketQuery, RangeQuery, ReadingColumns } from '../reading-store.ts'
import type { Connection } from './connection.ts'
import { RefusedRequest } from './errors.ts'
import type { SeriesPath } from './layout.ts'
import { quoteName, receivedField } from './names.ts'
import { numberIn } from './query.ts'

/** Rows asked for at once: a longer answer is read in several. */
const pageRows = 20_000
/** A query of thousands of statements is answered no faster than several of so many. */
const statementsAtOnce = 100
/** Times that InfluxQL can say; what lies outside is not there. */
const farthestMs = 9_223_372_036_854

interface RangeMs {
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
async function* readRange(connection: Connection, path: SeriesPath, query: RangeQuery): AsyncGenerator<Row> {
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

export async function selectBuckets(
  connection: Connection,
  path: SeriesPath,
  query: BucketQuery,
): Promise<BucketColumns> {
  const edgesMs = checkEdges(query.edgesMs)
  const runs = uniformRuns(edgesMs)
  const buckets = emptyBuckets(edgesMs.length - 1)
  try {
    for (let from = 0; from < runs.length; from += statementsAtOnce)
      await aggregate(connection, { path, edgesMs, runs: runs.slice(from, from + statementsAtOnce) }, buckets)
    return buckets
  } catch (error) {
    if (!(error instanceof RefusedRequest) || !error.message.includes('unsupported value')) throw error
    // A sum beyond the largest number has no JSON: then here, from the readings themselves.
    return aggregateReadings(connection, path, edgesMs)
  }
}

/** Buckets [first, end) of one length, which one statement can group. */
interface UniformRun {
  readonly first: number
  readonly end: number
  readonly stepMs: number
}

/** Days of a zone are of one length but for the two on which its clocks change. */
function uniformRuns(edgesMs: Float64Array): readonly UniformRun[] {
  const runs: UniformRun[] = []
  const stepOf = (bucket: number) => (edgesMs[bucket + 1] ?? 0) - (edgesMs[bucket] ?? 0)
  for (let first = 0; first < edgesMs.length - 1; ) {
    const stepMs = stepOf(first)
    let end = first + 1
    while (end < edgesMs.length - 1 && stepOf(end) === stepMs) end++
    runs.push({ first, end, stepMs })
    first = end
  }
  return runs
}

interface Aggregation {
  readonly path: SeriesPath
  readonly edgesMs: Float64Array
  readonly runs: readonly UniformRun[]
}

async function aggregate(connection: Connection, { path, edgesMs, runs }: Aggregation, into: BucketColumns) {
  const functions = ['COUNT', 'MEAN', 'MIN', 'MAX', 'SUM', 'FIRST', 'LAST']
  const select = `SELECT ${functions.map((name) => `${name}(${path.value})`).join(', ')} FROM ${path.from}`
  const statements = runs.map(({ first, end, stepMs }) => {
    const range = withinBounds({ fromMs: edgesMs[first] ?? 0, toMs: edgesMs[end] ?? 0 })
    const offsetMs = (edgesMs[first] ?? 0) % stepMs
    const groups = end - first === 1 ? '' : ` GROUP BY time(${stepMs}ms, ${offsetMs}ms) fill(none)`
    return `${select} WHERE ${path.where} AND ${timeWithin(range)}${groups}`
  })
  const targets = [into.count, into.avg, into.min, into.max, into.sum, into.first, into.last]
  for await (const { statement, rows } of connection.query(...statements)) {
    const run = runs[statement]
    if (run === undefined) continue
    for (const row of rows) {
      // Of a statement without groups the time is where its range begins.
      const bucket = run.first + Math.floor((numberIn(row, 0) - (edgesMs[run.first] ?? 0)) / run.stepMs)
      const index = run.end - run.first === 1 ? run.first : bucket
      for (const [i, target] of targets.entries()) target[index] = numberIn(row, i + 1)
    }
  }
}

async function aggregateReadings(connection: Connection, path: SeriesPath, edgesMs: Float64Array) {
  const { count, avg, min, max, sum, first, last } = emptyBuckets(edgesMs.length - 1)
  const range = { seriesId: 0, fromMs: edgesMs[0] ?? 0, toMs: edgesMs.at(-1) ?? 0, limit: Number.POSITIVE_INFINITY }
  let bucket = 0
  for await (const [timeMs, value] of readRange(connection, path, range)) {
    while (timeMs >= (edgesMs[bucket + 1] ?? Number.POSITIVE_INFINITY)) bucket++
    const before = count[bucket] ?? 0
    count[bucket] = before + 1
    sum[bucket] = (before === 0 ? 0 : (sum[bucket] ?? 0)) + value
    avg[bucket] = (before === 0 ? 0 : (avg[bucket] ?? 0)) + value * meanScale
    min[bucket] = before === 0 ? value : Math.min(min[bucket] ?? 0, value)
    max[bucket] = before === 0 ? value : Math.max(max[bucket] ?? 0, value)
    if (before === 0) first[bucket] = value
    last[bucket] = value
  }
  for (const [i, of] of count.entries()) if (of > 0) avg[i] = (avg[i] ?? 0) / of / meanScale
  return { count, avg, min, max, sum, first, last }
}

function withinBounds({ fromMs, toMs }: RangeMs): RangeMs {
  return { fromMs: Math.max(wholeMs(fromMs), -farthestMs), toMs: Math.min(wholeMs(toMs), farthestMs) }
}

function timeWithin({ fromMs, toMs }: RangeMs): string {
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
