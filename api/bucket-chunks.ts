import { bucketEdges, bucketEnd, bucketStart, type TimeRange } from './bucket-edges.ts'
import { type BucketSize, formatBucketSize, nominalMs } from './bucket-size.ts'

/** A stretch of the local calendar that begins where a bucket begins, and its buckets: what is kept as one value. */
export interface BucketChunk {
  readonly startMs: number
  readonly endMs: number
  /** From `startMs` to `endMs`. */
  readonly edgesMs: Float64Array
}

export interface BucketChunks {
  /** The chunks that a range touches, ascending, without a gap; undefined: buckets of this size make none. */
  of(size: BucketSize, timeZone: string, range: TimeRange): readonly BucketChunk[] | undefined
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const maxBuckets = 10_000
/** Calendars remembered; working out one takes about a millisecond. */
const keptChunks = 256

/** A few hundred buckets, so that one value is worth keeping, and is soon read where it is not there. */
function chunkSizeOf(size: BucketSize): BucketSize | undefined {
  const stepMs = nominalMs(size)
  switch (size.unit) {
    case 'day':
      return { count: 256 * size.count, unit: 'day' }
    case 'week':
      return { count: 64 * size.count, unit: 'week' }
    case 'month':
    case 'year':
      return { count: 64 * size.count, unit: size.unit }
    default:
      if (stepMs < 10_000 && hourMs % stepMs === 0) return { count: 1, unit: 'hour' }
      if (stepMs < 60_000 && (4 * hourMs) % stepMs === 0) return { count: 4, unit: 'hour' }
      if (dayMs / stepMs > maxBuckets - 1) return undefined
      if (stepMs < 10 * 60_000) return { count: 1, unit: 'day' }
      return { count: stepMs < hourMs ? 8 : 32, unit: 'day' }
  }
}

export function createBucketChunks(): BucketChunks {
  /** The ones used last at the end. */
  const kept = new Map<string, BucketChunk>()

  function chunkAt(size: BucketSize, timeZone: string, timeMs: number): BucketChunk | undefined {
    const chunkSize = chunkSizeOf(size)
    if (chunkSize === undefined) return undefined
    const prefix = `${formatBucketSize(size)} ${timeZone} `
    for (const [key, chunk] of kept)
      if (timeMs >= chunk.startMs && timeMs < chunk.endMs && key.startsWith(prefix)) return keep(key, chunk)
    const startMs = bucketStart(chunkSize, timeZone, timeMs)
    const endMs = bucketEnd(chunkSize, timeZone, timeMs)
    const edgesMs = bucketEdges(size, timeZone, { fromMs: startMs, toMs: endMs }, maxBuckets + 1)
    return edgesMs.at(-1) === endMs ? keep(`${prefix}${startMs}`, { startMs, endMs, edgesMs }) : undefined
  }

  function keep(key: string, chunk: BucketChunk): BucketChunk {
    kept.delete(key)
    kept.set(key, chunk)
    const [oldest] = kept.keys()
    if (kept.size > keptChunks && oldest !== undefined) kept.delete(oldest)
    return chunk
  }

  return {
    of(size, timeZone, { fromMs, toMs }) {
      const chunks: BucketChunk[] = []
      for (let timeMs = fromMs; timeMs < toMs; ) {
        const chunk = chunkAt(size, timeZone, timeMs)
        if (chunk === undefined) return undefined
        chunks.push(chunk)
        timeMs = chunk.endMs
      }
      return chunks
    },
  }
}
