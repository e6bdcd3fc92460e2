import type { SeriesId } from '../model/index.ts'
import type { BucketColumns, ReadingColumns } from '../store/readings/index.ts'
import type { BucketChunk, BucketChunks } from './bucket-chunks.ts'
import type { TimeRange } from './bucket-edges.ts'
import { createBucketReader } from './bucket-reader.ts'
import { type BucketSize, formatBucketSize } from './bucket-size.ts'
import type { BucketWindow } from './bucket-window.ts'
import { badParameter } from './problem.ts'
import { createRawReader, maxKeptReadings } from './raw-reader.ts'
import { aheadMs } from './read-raw.ts'
import type { CacheResult } from './route.ts'
import type { RouteDeps } from './route-deps.ts'

/** One of the series that somebody reads together. Without an id it has no readings yet. */
export interface SeriesToRead {
  readonly seriesId: SeriesId | undefined
  /** Of its site. */
  readonly timeZone: string
}

/** How it is summed up: by buckets of one size, or of whichever makes at most so many; undefined: not at all. */
export type Summing = { readonly size: BucketSize } | { readonly maxPoints: number } | undefined

export type SeriesRead =
  | { readonly kind: 'raw'; readonly columns: ReadingColumns }
  /** Buckets without readings are there, with a count of 0. */
  | {
      readonly kind: 'buckets'
      readonly bucket: string
      readonly edgesMs: Float64Array
      readonly columns: BucketColumns
    }
  /** Nothing to read; `bucket` is what it would have been. */
  | { readonly kind: 'none'; readonly bucket: string | null }

export interface SeriesReader {
  /** Index i is of series[i]. A problem where that would be more than an answer holds. */
  read(
    series: readonly SeriesToRead[],
    range: TimeRange,
    summing: Summing,
  ): Promise<{ readonly reads: readonly SeriesRead[]; readonly cache: CacheResult | undefined }>
}

/** Of one series; the same as a page of anything. */
const maxPointsOfSeries = 10_000
/** Of an answer: some 5 MB of JSON, and a tenth of a second of the thread that answers everybody. */
const maxPointsOfAnswer = 100_000

export function createSeriesReader({
  peers,
  cache,
  clock,
}: Pick<RouteDeps, 'peers' | 'cache' | 'clock'>): SeriesReader {
  const { readings } = peers
  const readBucketsOf = createBucketReader({ readings, cache })
  const readRawOf = createRawReader({ readings, cache })
  let chunks: BucketChunks | undefined

  /** The windows of the time zones that there are, for most requests one. */
  async function windowsOf(series: readonly SeriesToRead[], range: TimeRange, summing: NonNullable<Summing>) {
    // The calendar costs some 20 ms of the start, and is needed here only.
    const [{ createBucketChunks }, { bucketWindow }, { zoom }] = await Promise.all([
      import('./bucket-chunks.ts'),
      import('./bucket-window.ts'),
      import('./zoom.ts'),
    ])
    chunks ??= createBucketChunks()
    const windows = new Map<string, { readonly size: BucketSize; readonly window: BucketWindow }>()
    for (const { timeZone } of series) {
      if (windows.has(timeZone)) continue
      if ('maxPoints' in summing) {
        const zoomed = zoom(chunks, timeZone, range, summing.maxPoints)
        if (zoomed === undefined) throw badParameter('maxPoints', 'is too few for a range that long')
        windows.set(timeZone, zoomed)
        continue
      }
      const most = Math.min(maxPointsOfSeries, Math.floor(maxPointsOfAnswer / series.length))
      const window = bucketWindow(chunks, summing.size, timeZone, range, most)
      if (window === undefined)
        throw badParameter('bucket', `makes more than ${most} buckets of this range; take longer ones, or maxPoints`)
      windows.set(timeZone, { size: summing.size, window })
    }
    return windows
  }

  interface ReadOf {
    readonly read: SeriesRead
    /** Where the readings as they came may be kept, for they are few. */
    readonly rawChunks: readonly BucketChunk[] | undefined
  }

  async function readBuckets(series: readonly SeriesToRead[], range: TimeRange, summing: NonNullable<Summing>) {
    const windows = await windowsOf(series, range, summing)
    const reads: ReadOf[] = series.map(({ timeZone }) => {
      const size = windows.get(timeZone)?.size
      const bucket = size === undefined ? null : formatBucketSize(size)
      return { read: { kind: 'none', bucket }, rawChunks: undefined }
    })
    let hit = true
    await Promise.all(
      [...windows].map(async ([timeZone, { size, window }]) => {
        const places = series.flatMap((one, i) =>
          one.seriesId !== undefined && one.timeZone === timeZone ? [{ seriesId: one.seriesId, i }] : [],
        )
        const seriesIds = places.map(({ seriesId }) => seriesId)
        const { columns, readings: counts, hit: all } = await readBucketsOf(seriesIds, window)
        hit &&= all
        for (const [at, { i }] of places.entries()) {
          const ofSeries = columns[at]
          if (ofSeries === undefined || !ofSeries.count.some((count) => count > 0)) continue
          const { edgesMs, chunks: rawChunks } = window
          const read = { kind: 'buckets', bucket: formatBucketSize(size), edgesMs, columns: ofSeries } as const
          reads[i] = { read, rawChunks: (counts[at] ?? Infinity) <= maxKeptReadings ? rawChunks : undefined }
        }
      }),
    )
    return { reads, hit }
  }

  /** The readings as they came where they are no more than `most`. */
  async function readFew(series: SeriesToRead | undefined, of: ReadOf, range: TimeRange, most: number) {
    const { read, rawChunks } = of
    const same = { read, hit: true }
    const seriesId = series?.seriesId
    // The first and the last bucket may hold more than the range does.
    if (read.kind !== 'buckets' || seriesId === undefined || sumOf(read.columns.count.subarray(1, -1)) > most)
      return same
    if (rawChunks === undefined) {
      const columns = await readRaw(seriesId, range, most)
      return columns === undefined ? { read, hit: false } : { read: { kind: 'raw', columns } as const, hit: false }
    }
    const raw = await readRawOf([seriesId], rawChunks, range)
    const columns = raw.columns[0]
    if (columns === undefined || columns.timesMs.length > most) return { read, hit: raw.hit }
    return { read: { kind: 'raw', columns } as const, hit: raw.hit }
  }

  /** The readings themselves; undefined: they are more than `most`. */
  async function readRaw(seriesId: SeriesId, { fromMs, toMs }: TimeRange, most: number) {
    const columns = await readings.range({ seriesId, fromMs, toMs, limit: most + 1 })
    return columns.timesMs.length > most ? undefined : columns
  }

  async function readAllRaw(series: readonly SeriesToRead[], range: TimeRange): Promise<SeriesRead[]> {
    const most = Math.min(maxPointsOfSeries, Math.floor(maxPointsOfAnswer / series.length))
    return Promise.all(
      series.map(async ({ seriesId }): Promise<SeriesRead> => {
        if (seriesId === undefined) return { kind: 'none', bucket: null }
        const columns = await readRaw(seriesId, range, most)
        if (columns !== undefined) return { kind: 'raw', columns }
        throw badParameter(
          'from',
          `there are more than ${most} readings of a series; a shorter range, bucket, or maxPoints`,
        )
      }),
    )
  }

  return {
    async read(series, given, summing) {
      if (summing !== undefined && 'maxPoints' in summing && summing.maxPoints * series.length > maxPointsOfAnswer)
        throw badParameter(
          'maxPoints',
          `of ${series.length} series must be ${maxPointsOfAnswer / series.length} at most`,
        )
      // No reading is stored under a time far ahead: a range to the end of time is one to now.
      const range = { fromMs: given.fromMs, toMs: Math.min(given.toMs, clock.now() + aheadMs) }
      if (range.fromMs >= range.toMs)
        return { reads: series.map(() => ({ kind: 'none', bucket: null })), cache: undefined }
      if (summing === undefined) return { reads: await readAllRaw(series, range), cache: undefined }
      const { reads, hit } = await readBuckets(series, range, summing)
      if (!('maxPoints' in summing)) return { reads: reads.map(({ read }) => read), cache: hit ? 'hit' : 'miss' }
      const shown = await Promise.all(reads.map((of, i) => readFew(series[i], of, range, summing.maxPoints)))
      const allHit = hit && shown.every((one) => one.hit)
      return { reads: shown.map(({ read }) => read), cache: allHit ? 'hit' : 'miss' }
    },
  }
}

function sumOf(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
