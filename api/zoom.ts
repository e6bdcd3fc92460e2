import type { BucketChunks } from './bucket-chunks.ts'
import type { TimeRange } from './bucket-edges.ts'
import { type BucketSize, nominalMs } from './bucket-size.ts'
import { type BucketWindow, bucketWindow } from './bucket-window.ts'

const of = (unit: BucketSize['unit'], ...counts: readonly number[]): BucketSize[] =>
  counts.map((count) => ({ count, unit }))

/** Lengths that people read off an axis; the last ones for ranges of which nobody draws a chart. */
const ladder: readonly BucketSize[] = [
  ...of('second', 1, 2, 5, 10, 15, 30),
  ...of('minute', 1, 2, 5, 10, 15, 30),
  ...of('hour', 1, 2, 3, 6, 12),
  ...of('day', 1),
  ...of('week', 1),
  ...of('month', 1, 3),
  ...of('year', 1, 2, 5, 10, 20, 50, 100),
]

/**
 * The shortest buckets of which the range touches at most `maxPoints`, wherever it begins: a window that moves keeps its
 * buckets. Undefined: no size is long enough.
 */
export function zoom(
  chunksOf: BucketChunks,
  timeZone: string,
  range: TimeRange,
  maxPoints: number,
): { readonly size: BucketSize; readonly window: BucketWindow } | undefined {
  const lengthMs = range.toMs - range.fromMs
  for (const size of ladder) {
    if (Math.ceil(lengthMs / nominalMs(size)) + 1 > maxPoints) continue
    // A month may be shorter than it is by name, and a day in which the clock changes has a bucket more.
    const window = bucketWindow(chunksOf, size, timeZone, range, maxPoints)
    if (window !== undefined) return { size, window }
  }
  return undefined
}
