import type { SeriesId } from '../model/index.ts'
import type { Cache } from '../store/cache/index.ts'
import {
  type BucketColumns,
  type BucketQuery,
  columnNames,
  emptyBuckets,
  mergeBucket,
} from '../store/readings/index.ts'
import type { BucketChunk } from './bucket-chunks.ts'
import type { BucketWindow } from './bucket-window.ts'
import { decodeColumns, encodeColumns } from './kept-columns.ts'
import { type ChunkKind, type ChunkNow, createKeptSeries } from './kept-series.ts'
import type { Lasting } from './lasting.ts'
import type { ReadingQueries } from './ports.ts'
import { bucketAt } from './sorted-times.ts'

export interface BucketsRead {
  /** Index i is of seriesIds[i]; as many buckets as the window has. */
  readonly columns: readonly BucketColumns[]
  /** How many readings of seriesIds[i] the chunks of the window hold, which begin before it and end after it; Infinity: not known. */
  readings(i: number): number
  /** Index i tells what of the i-th columns lasts, without a gap; undefined: nothing is known. */
  readonly lasting: readonly (readonly Lasting[] | undefined)[]
  /** Whether nothing had to be read but what has come since it was kept. */
  readonly hit: boolean
}

/** Buckets of several series as they are now: exactly what the store would answer. */
export type ReadBuckets = (seriesIds: readonly SeriesId[], window: BucketWindow) => Promise<BucketsRead>

export interface BucketReaderDeps {
  readonly readings: Pick<ReadingQueries, 'marked'>
  readonly cache: Cache
}

export function createBucketReader({ readings, cache }: BucketReaderDeps): ReadBuckets {
  const readKept = createKeptSeries(bucketKind(readings), cache)

  return async (seriesIds, window) => {
    const { chunks, edgesMs } = window
    const whole = { chunks: chunks ?? [], name: window.name, endMs: edgesMs.at(-1) ?? 0 }
    const kept =
      chunks === undefined ? { series: seriesIds.map(() => undefined), hit: false } : await readKept(seriesIds, whole)
    const missing = seriesIds.filter((_, s) => kept.series[s] === undefined)
    const anew =
      missing.length === 0 ? [] : (await readings.marked(missing.map((seriesId) => ({ seriesId, edgesMs })))).buckets
    const columns = seriesIds.map((seriesId, s) => {
      const ofChunks = kept.series[s]
      if (ofChunks !== undefined) return cutOut(edgesMs, whole.chunks, ofChunks)
      return anew[missing.indexOf(seriesId)] ?? emptyBuckets(edgesMs.length - 1)
    })
    const readingsOf = (i: number) =>
      kept.series[i]?.reduce((sum, now) => sum + readingsIn(now.kept.columns) + readingsIn(now.later), 0) ??
      Number.POSITIVE_INFINITY
    const lasting = kept.series.map((ofChunks) =>
      ofChunks?.flatMap((now, c) => {
        const chunk = whole.chunks[c]
        return chunk === undefined ? [] : lastingOf(now, chunk, bucketsOf(chunk, edgesMs))
      }),
    )
    return { columns, readings: readingsOf, lasting, hit: kept.hit }
  }
}

const none = new Float64Array(0)

function bucketKind(readings: Pick<ReadingQueries, 'marked'>): ChunkKind<BucketQuery, BucketColumns> {
  const sizeOf = ({ edgesMs }: BucketChunk) => edgesMs.length - 1
  return {
    async ask(queries) {
      const { buckets, ...marks } = await readings.marked(queries)
      return { ...marks, columns: buckets }
    },
    nothing: (seriesId) => ({ seriesId, edgesMs: none }),
    whole: (seriesId, { edgesMs }) => ({ seriesId, edgesMs }),
    after(seriesId, { edgesMs }, throughMs, endMs) {
      const edges = edgesMs.slice(bucketAt(edgesMs, throughMs + 1), bucketAt(edgesMs, endMs) + 1)
      edges[0] = throughMs + 1
      return { seriesId, edgesMs: edges }
    },
    empty: (chunk) => emptyBuckets(sizeOf(chunk)),
    join(chunk, kept, later) {
      const joined = emptyBuckets(sizeOf(chunk))
      copyBuckets(joined, 0, kept.columns, [0, sizeOf(chunk)])
      const first = bucketAt(chunk.edgesMs, kept.throughMs + 1)
      for (let i = 0; i < later.count.length; i++) mergeBucket(joined, first + i, later, i)
      return joined
    },
    readings: readingsIn,
    encode: ({ throughMs, columns }) =>
      encodeColumns(
        throughMs,
        columnNames.map((name) => columns[name]),
      ),
    decode(bytes, chunk) {
      const decoded = decodeColumns(bytes, columnNames.length)
      const [count, avg, min, max, sum, first, last] = decoded?.columns ?? []
      if (decoded === undefined || count?.length !== sizeOf(chunk)) return undefined
      if (!(avg && min && max && sum && first && last)) return undefined
      return { throughMs: decoded.throughMs, columns: { count, avg, min, max, sum, first, last } }
    },
  }
}

/** The buckets of the window, from its first edge to its last, which chunks begin before and end after. */
function cutOut(
  edgesMs: Float64Array,
  chunks: readonly BucketChunk[],
  ofChunks: readonly ChunkNow<BucketColumns>[],
): BucketColumns {
  const columns = emptyBuckets(edgesMs.length - 1)
  let at = 0
  for (const [c, chunk] of chunks.entries()) {
    const { from, to } = bucketsOf(chunk, edgesMs)
    const now = ofChunks[c]
    if (now !== undefined) copyNow(columns, at, now, { chunk, from, to })
    at += to - from
  }
  return columns
}

/** The buckets [from, to) of the chunk that are of the window. */
function bucketsOf(chunk: BucketChunk, edgesMs: Float64Array): { readonly from: number; readonly to: number } {
  const lastMs = edgesMs.at(-1) ?? 0
  return {
    from: Math.max(0, bucketAt(chunk.edgesMs, edgesMs[0] ?? 0)),
    to: lastMs >= chunk.endMs ? chunk.edgesMs.length - 1 : bucketAt(chunk.edgesMs, lastMs),
  }
}

/** Nothing comes to a bucket that ends before the newest reading. */
function lastingOf(
  { key, newestMs }: ChunkNow<BucketColumns>,
  chunk: BucketChunk,
  { from, to }: { readonly from: number; readonly to: number },
): Lasting {
  const over = Number.isNaN(newestMs) ? 0 : bucketAt(chunk.edgesMs, newestMs + 1)
  return { key, from, length: to - from, final: Math.max(0, Math.min(to, over) - from) }
}

/** Buckets [from, to) of a chunk, as they are now. */
function copyNow(
  into: BucketColumns,
  at: number,
  { kept, later }: ChunkNow<BucketColumns>,
  { chunk, from, to }: { readonly chunk: BucketChunk; readonly from: number; readonly to: number },
): void {
  copyBuckets(into, at, kept.columns, [from, to])
  if (later === undefined) return
  const first = bucketAt(chunk.edgesMs, kept.throughMs + 1)
  for (let i = 0; i < later.count.length; i++) {
    const bucket = first + i
    if (bucket >= from && bucket < to) mergeBucket(into, at + bucket - from, later, i)
  }
}

function copyBuckets(into: BucketColumns, at: number, columns: BucketColumns, [from, to]: readonly [number, number]) {
  for (const name of columnNames) into[name].set(columns[name].subarray(from, to), at)
}

function readingsIn(columns: BucketColumns | undefined): number {
  let sum = 0
  const counts = columns?.count ?? none
  for (let i = 0; i < counts.length; i++) sum += counts[i] ?? 0
  return sum
}
