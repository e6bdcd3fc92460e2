import type { BucketChunk, BucketChunks } from './bucket-chunks.ts'
import { bucketEdges, bucketEnd, bucketStart, type TimeRange } from './bucket-edges.ts'
import { type BucketSize, formatBucketSize, nominalMs } from './bucket-size.ts'

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
  const edges: number[] = []
  for (const { edgesMs } of chunks)
    for (let i = 0; i < edgesMs.length - 1; i++) {
      const startMs = edgesMs[i] ?? 0
      const endMs = edgesMs[i + 1] ?? 0
      if (endMs <= range.fromMs || startMs >= range.toMs) continue
      if (edges.length === 0) edges.push(startMs)
      edges.push(endMs)
      if (edges.length > maxBuckets + 1) return undefined
    }
  return { name, edgesMs: Float64Array.from(edges), chunks }
}
