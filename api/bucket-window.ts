import type { BucketChunk, BucketChunks } from './bucket-chunks.ts'
import { bucketEdges, bucketEnd, bucketStart, type TimeRange } from './bucket-edges.ts'
import { type BucketSize, formatBucketSize, nominalMs } from './bucket-size.ts'
import { bucketAt, countBefore } from './sorted-times.ts'

/** Whole buckets of a local calendar, one after another. */
export interface BucketWindow {
  /** Of buckets and calendar, for keys. */
  readonly name: string
  /** n + 1 of n buckets. */
  readonly edgesMs: Float64Array
  /** What is kept together, from the first bucket to the last; undefined: nothing is. */
  readonly chunks: readonly BucketChunk[] | undefined
}

/** The whole buckets that a range touches; undefined: more than `maxBuckets`. */
export function bucketWindow(
  chunksOf: BucketChunks,
  size: BucketSize,
  timeZone: string,
  range: TimeRange,
  maxBuckets: number,
): BucketWindow | undefined {
  // A year of seconds is refused before anybody goes through it; months are up to 31 days.
  if ((range.toMs - range.fromMs) / nominalMs(size) > maxBuckets * 1.05 + 1) return undefined
  const name = `${formatBucketSize(size)} ${timeZone}`
  const chunks = chunksOf.of(size, timeZone, range)
  if (chunks === undefined) {
    const whole = { fromMs: bucketStart(size, timeZone, range.fromMs), toMs: bucketEnd(size, timeZone, range.toMs - 1) }
    const edgesMs = bucketEdges(size, timeZone, whole, maxBuckets + 2)
    return edgesMs.length > maxBuckets + 1 ? undefined : { name, edgesMs, chunks }
  }
  const cuts = chunks.map((chunk) => ({ chunk, ...touched(chunk, range) }))
  const count = cuts.reduce((sum, { from, to }) => sum + to - from, 0)
  if (count > maxBuckets) return undefined
  const edges = new Float64Array(count + 1)
  let at = 0
  for (const { chunk, from, to } of cuts) {
    // The last edge of a chunk is the first one of the next.
    edges.set(chunk.edgesMs.subarray(from, to + 1), at)
    at += to - from
  }
  return { name, edgesMs: edges, chunks }
}

/** The buckets [from, to) of the chunk that the range touches. */
function touched({ edgesMs }: BucketChunk, range: TimeRange): { readonly from: number; readonly to: number } {
  const from = Math.max(0, bucketAt(edgesMs, range.fromMs))
  return { from, to: Math.max(from, Math.min(edgesMs.length - 1, countBefore(edgesMs, range.toMs))) }
}
