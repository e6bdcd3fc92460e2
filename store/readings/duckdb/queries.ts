import { AppError } from '../../../model/index.ts'
import type { BucketColumns, BucketQuery, RangeQuery, ReadingColumns } from '../reading-store.ts'
import type { Session } from './session.ts'
import { qualityOf, type Slot } from './tables.ts'

/** Limits of JavaScript's own dates; far inside of what a BIGINT holds. */
const maxTimeMs = 8.64e15
const maxBuckets = 10_000

export async function selectRange(session: Session, slot: Slot, query: RangeQuery): Promise<ReadingColumns> {
  const value = valueColumn(slot)
  const sql = `SELECT time_ms::DOUBLE, ${value}, ${qualityOf(slot.column)}::DOUBLE, received_ms::DOUBLE
    FROM ${slot.table.name}
    WHERE ${slot.table.keyName} = $1::INTEGER AND time_ms >= $2 AND time_ms < $3 AND ${value} IS NOT NULL
    ORDER BY time_ms LIMIT $4`
  const limit = Math.min(Math.floor(query.limit), Number.MAX_SAFE_INTEGER)
  const parameters = [slot.key, wholeMs(query.fromMs), wholeMs(query.toMs), limit]
  const [timesMs, values, quality, receivedMs] = await session.select(sql, parameters)
  return timesMs && values && quality && receivedMs
    ? { timesMs, values, quality: Uint8Array.from(quality), receivedMs }
    : emptyReadings(0)
}

export async function selectBuckets(session: Session, slot: Slot, query: BucketQuery): Promise<BucketColumns> {
  const edgesMs = checkEdges(query.edgesMs)
  const buckets = emptyBuckets(edgesMs.length - 1)
  const value = valueColumn(slot)
  const fromMs = edgesMs[0] ?? 0
  const toMs = edgesMs.at(-1) ?? 0
  const stepMs = uniformStep(edgesMs)
  const rows = `(SELECT time_ms, ${value} AS v FROM ${slot.table.name}
    WHERE ${slot.table.keyName} = $1::INTEGER AND time_ms >= $2 AND time_ms < $3 AND ${value} IS NOT NULL)`
  const edges = '(SELECT unnest($4::BIGINT[]) AS edge, unnest(range(len($4::BIGINT[]))) AS bucket)'
  const source =
    stepMs === undefined
      ? `${rows} r ASOF JOIN ${edges} e ON r.time_ms >= e.edge`
      : `(SELECT *, (time_ms - $2) // $4 AS bucket FROM ${rows})`
  const sql = `SELECT bucket::DOUBLE, count(*)::DOUBLE, avg(v), min(v), max(v), sum(v), arg_min(v, time_ms),
    arg_max(v, time_ms) FROM ${source} GROUP BY bucket`
  const [index, ...columns] = await session.select(sql, [slot.key, fromMs, toMs, stepMs ?? edgesMs])
  const targets = [buckets.count, buckets.avg, buckets.min, buckets.max, buckets.sum, buckets.first, buckets.last]
  for (const [i, target] of targets.entries())
    for (const [row, bucket] of (index ?? []).entries()) target[bucket] = columns[i]?.[row] ?? Number.NaN
  return buckets
}

export function emptyReadings(length: number): ReadingColumns {
  return {
    timesMs: new Float64Array(length).fill(Number.NaN),
    values: new Float64Array(length).fill(Number.NaN),
    quality: new Uint8Array(length),
    receivedMs: new Float64Array(length).fill(Number.NaN),
  }
}

export function emptyBuckets(length: number): BucketColumns {
  const unknown = () => new Float64Array(length).fill(Number.NaN)
  return {
    count: new Float64Array(length),
    avg: unknown(),
    min: unknown(),
    max: unknown(),
    sum: unknown(),
    first: unknown(),
    last: unknown(),
  }
}

/** Stored times are whole, so a bound between two of them is as good as the next one. */
export function wholeMs(timeMs: number): number {
  if (Number.isNaN(timeMs)) throw new AppError('invalid_input', 'query readings failed: NaN is not a time')
  return Math.ceil(Math.min(Math.max(timeMs, -maxTimeMs), maxTimeMs))
}

/** Also for other adapters: the promise of the port on edges. */
export function checkEdges(edges: Float64Array): Float64Array {
  const edgesMs = edges.map(wholeMs)
  const ascending = edgesMs.every((edge, i) => i === 0 || edge > (edgesMs[i - 1] ?? 0))
  if (edgesMs.length < 2 || edgesMs.length > maxBuckets + 1 || !ascending)
    throw new AppError(
      'invalid_input',
      `aggregate readings failed: ${edgesMs.length} edges are not 2 to ${maxBuckets + 1} ascending ones`,
    )
  return edgesMs
}

function uniformStep(edgesMs: Float64Array): number | undefined {
  const stepMs = (edgesMs[1] ?? 0) - (edgesMs[0] ?? 0)
  for (let i = 2; i < edgesMs.length; i++) if ((edgesMs[i] ?? 0) - (edgesMs[i - 1] ?? 0) !== stepMs) return undefined
  return stepMs
}

function valueColumn(slot: Slot): string {
  return slot.table.columns[slot.column] ?? 'NULL'
}
