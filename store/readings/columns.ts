import { AppError } from '../../model/index.ts'
import type { BucketColumns, ReadingColumns } from './reading-store.ts'

/** Limits of JavaScript's own dates; far inside of what a 64-bit integer holds. */
const maxTimeMs = 8.64e15
const maxBuckets = 10_000

export function emptyReadings(length: number): ReadingColumns {
  return {
    timesMs: new Float64Array(length).fill(Number.NaN),
    values: new Float64Array(length).fill(Number.NaN),
    quality: new Uint8Array(length),
    receivedMs: new Float64Array(length).fill(Number.NaN),
  }
}

/** All of them in one piece of memory: many small ones cost more than what they hold. */
export function emptyBuckets(length: number): BucketColumns {
  const all = new Float64Array(length * columnNames.length).fill(Number.NaN)
  const column = (i: number) => all.subarray(i * length, (i + 1) * length)
  return {
    count: column(0).fill(0),
    avg: column(1),
    min: column(2),
    max: column(3),
    sum: column(4),
    first: column(5),
    last: column(6),
  }
}

/** A power of two, so nothing is lost by it: values made so small add up to a mean where the sum itself overflows. */
export const meanScale = 2 ** -40

/** Stored times are whole, so a bound between two of them is as good as the next one. */
export function wholeMs(timeMs: number): number {
  if (Number.isNaN(timeMs)) throw new AppError('invalid_input', 'query readings failed: NaN is not a time')
  return Math.ceil(Math.min(Math.max(timeMs, -maxTimeMs), maxTimeMs))
}

/** The edges as whole times; throws `invalid_input` when they make no buckets. */
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

/** The first `limit` of both; those of `later` are the newer ones. */
export function joinReadings(first: ReadingColumns, later: ReadingColumns, limit: number): ReadingColumns {
  const more = Math.max(0, limit - first.timesMs.length)
  const doubles = (a: Float64Array, b: Float64Array) => {
    const rest = b.subarray(0, more)
    const joined = new Float64Array(a.length + rest.length)
    joined.set(a)
    joined.set(rest, a.length)
    return joined
  }
  return {
    timesMs: doubles(first.timesMs, later.timesMs),
    values: doubles(first.values, later.values),
    quality: new Uint8Array(Buffer.concat([first.quality, later.quality.subarray(0, more)])),
    receivedMs: doubles(first.receivedMs, later.receivedMs),
  }
}

/** Adds to bucket `at` what bucket `from` of `later` holds; none of that is older than anything in the first. */
export function mergeBucket(into: BucketColumns, at: number, later: BucketColumns, from: number): void {
  const before = into.count[at] ?? 0
  const more = later.count[from] ?? 0
  if (more === 0) return
  if (before === 0) {
    for (const name of columnNames) into[name][at] = later[name][from] ?? Number.NaN
    return
  }
  const count = before + more
  const sum = (into.sum[at] ?? 0) + (later.sum[from] ?? 0)
  // Weighted where the sum is beyond what a number can be: the mean never is.
  into.avg[at] = Number.isFinite(sum)
    ? sum / count
    : (into.avg[at] ?? 0) * (before / count) + (later.avg[from] ?? 0) * (more / count)
  into.count[at] = count
  into.sum[at] = sum
  into.min[at] = Math.min(into.min[at] ?? 0, later.min[from] ?? 0)
  into.max[at] = Math.max(into.max[at] ?? 0, later.max[from] ?? 0)
  into.last[at] = later.last[from] ?? Number.NaN
}

/** In the order in which they are written down. */
export const columnNames = [
  'count',
  'avg',
  'min',
  'max',
  'sum',
  'first',
  'last',
] as const satisfies (keyof BucketColumns)[]
