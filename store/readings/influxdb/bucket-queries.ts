import { checkEdges } from '../columns.ts'
import type { BucketColumns, BucketQuery } from '../reading-store.ts'
import { BucketSum, type Piece, planPieces } from '../rollups/index.ts'
import type { Connection } from './connection.ts'
import { RefusedRequest } from './errors.ts'
import type { SeriesPath } from './layout.ts'
import { quoteCarried, rolledField, rolledParts } from './names.ts'
import { readRange, statementsAtOnce, timeWithin, withinBounds } from './queries.ts'
import { numberIn } from './query.ts'
import type { Rollups } from './rollups.ts'

const hourMs = 3_600_000

export interface BucketDeps {
  readonly connection: Connection
  readonly path: SeriesPath
  readonly rollups: Rollups
}

/** Undefined: the database is no longer the one that memory knows. */
export async function selectBuckets(deps: BucketDeps, query: BucketQuery): Promise<BucketColumns | undefined> {
  const edgesMs = checkEdges(query.edgesMs)
  const { rollups, path } = deps
  const plannedMs = rollups.untilMs
  const pieces = planPieces(edgesMs, rollups.rolledOf(path.key))
  const sum = new BucketSum(edgesMs.length - 1)
  const runs = pieces.flatMap(uniformRuns)
  const isRolled = pieces.some(({ kind }) => kind === 'rolled')
  try {
    for (let from = 0; from < runs.length; from += statementsAtOnce) {
      const some = runs.slice(from, from + statementsAtOnce)
      if (!(await aggregate(deps, { runs: some, plannedMs: isRolled ? plannedMs : undefined }, sum))) return undefined
    }
    return sum.columns
  } catch (error) {
    if (!(error instanceof RefusedRequest) || !error.message.includes('unsupported value')) throw error
    // A sum beyond the largest number has no JSON: then here, one by one.
    return addUp(deps, pieces, edgesMs.length - 1)
  }
}

/** Parts of buckets of one length, one after the other, which one statement can group. */
interface UniformRun {
  readonly kind: Piece['kind']
  readonly firstBucket: number
  readonly fromMs: number
  readonly toMs: number
  readonly stepMs: number
}

/** Days of a zone are of one length but for the two on which its clocks change. */
function uniformRuns({ kind, firstBucket, edgesMs }: Piece): readonly UniformRun[] {
  const runs: UniformRun[] = []
  const stepOf = (bucket: number) => (edgesMs[bucket + 1] ?? 0) - (edgesMs[bucket] ?? 0)
  for (let first = 0; first < edgesMs.length - 1; ) {
    const stepMs = stepOf(first)
    let end = first + 1
    while (end < edgesMs.length - 1 && stepOf(end) === stepMs) end++
    runs.push({ kind, firstBucket: firstBucket + first, fromMs: edgesMs[first] ?? 0, toMs: edgesMs[end] ?? 0, stepMs })
    first = end
  }
  return runs
}

interface Aggregation {
  readonly runs: readonly UniformRun[]
  /** The database must have come so far with its rollups. */
  readonly plannedMs: number | undefined
}

async function aggregate({ connection, path, rollups }: BucketDeps, { runs, plannedMs }: Aggregation, into: BucketSum) {
  const raw = ['COUNT', 'MEAN', 'MIN', 'MAX', 'SUM', 'FIRST', 'LAST'].map((name) => `${name}(${path.value})`)
  const rolled = ['SUM', 'SUM', 'MIN', 'MAX', 'FIRST', 'LAST'].map((name, i) => `${name}(${partOf(path, i)})`)
  const statements = runs.map(({ kind, fromMs, toMs, stepMs }) => {
    const isHours = fromMs % hourMs === 0 && stepMs % hourMs === 0
    const [columns, from] =
      kind === 'raw' ? [raw, path.from] : [rolled, rollups.from(path.measurement, isHours ? '1h' : '15m')]
    // With one bucket only, the time of its row is where its range begins.
    const groups = toMs - fromMs === stepMs ? '' : ` GROUP BY time(${stepMs}ms, ${fromMs % stepMs}ms) fill(none)`
    return `SELECT ${columns.join(', ')} FROM ${from} WHERE ${path.where} AND ${timeWithin(withinBounds({ fromMs, toMs }))}${groups}`
  })
  let isCurrent = plannedMs === undefined
  const parts: { readonly run: UniformRun; readonly row: readonly unknown[] }[] = []
  const all = plannedMs === undefined ? statements : [...statements, rollups.stateSql]
  for await (const { statement, rows } of connection.query(...all)) {
    const run = runs[statement]
    if (run !== undefined) for (const row of rows) parts.push({ run, row })
    else isCurrent = rollups.isCurrent(rows, plannedMs ?? Number.NEGATIVE_INFINITY)
  }
  if (!isCurrent) return false
  for (const { run, row } of parts) {
    const single = run.toMs - run.fromMs === run.stepMs
    const bucket = run.firstBucket + (single ? 0 : Math.floor((numberIn(row, 0) - run.fromMs) / run.stepMs))
    into.add(bucket, run.kind === 'raw' ? rawPart(row) : rolledPart(row), 0)
  }
  return true
}

function partOf({ field }: SeriesPath, i: number): string {
  return quoteCarried(rolledField(field, rolledParts[i] ?? 'count'))
}

function rawPart(row: readonly unknown[]): BucketColumns {
  const cell = (column: number) => Float64Array.of(numberIn(row, column))
  return { count: cell(1), avg: cell(2), min: cell(3), max: cell(4), sum: cell(5), first: cell(6), last: cell(7) }
}

function rolledPart(row: readonly unknown[]): BucketColumns {
  const cell = (column: number) => Float64Array.of(numberIn(row, column))
  const avg = Float64Array.of(numberIn(row, 2) / numberIn(row, 1))
  return { count: cell(1), avg, min: cell(3), max: cell(4), sum: cell(2), first: cell(5), last: cell(6) }
}

async function addUp(deps: BucketDeps, pieces: readonly Piece[], buckets: number): Promise<BucketColumns> {
  const sum = new BucketSum(buckets)
  for (const piece of pieces) {
    const parts = piece.kind === 'raw' ? readingsOf(deps, piece) : rollupsOf(deps, piece)
    let part = 0
    for await (const [timeMs, columns] of parts) {
      while (timeMs >= (piece.edgesMs[part + 1] ?? Number.POSITIVE_INFINITY)) part++
      sum.add(piece.firstBucket + part, columns, 0)
    }
  }
  return sum.columns
}

type Part = readonly [timeMs: number, columns: BucketColumns]

async function* readingsOf({ connection, path }: BucketDeps, { edgesMs }: Piece): AsyncGenerator<Part> {
  const range = { seriesId: 0, fromMs: edgesMs[0] ?? 0, toMs: edgesMs.at(-1) ?? 0, limit: Number.POSITIVE_INFINITY }
  for await (const [timeMs, value] of readRange(connection, path, range)) {
    const one = Float64Array.of(value)
    yield [timeMs, { count: Float64Array.of(1), avg: one, min: one, max: one, sum: one, first: one, last: one }]
  }
}

async function* rollupsOf({ connection, path, rollups }: BucketDeps, { edgesMs }: Piece): AsyncGenerator<Part> {
  const columns = rolledParts.map((_, i) => partOf(path, i)).join(', ')
  const range = withinBounds({ fromMs: edgesMs[0] ?? 0, toMs: edgesMs.at(-1) ?? 0 })
  const sql = `SELECT ${columns} FROM ${rollups.from(path.measurement, '15m')} WHERE ${path.where} AND ${timeWithin(range)}`
  for await (const { rows } of connection.query(sql)) for (const row of rows) yield [numberIn(row, 0), rolledPart(row)]
}
