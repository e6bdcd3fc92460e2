import type { SeriesId } from '../model/index.ts'
import type { TimeRange } from './bucket-edges.ts'
import { formatBucketSize } from './bucket-size.ts'
import { badParameter } from './problem.ts'
import { aheadMs } from './read-raw.ts'
import type { CacheResult } from './route.ts'
import type { RouteDeps } from './route-deps.ts'
import { createWindows, type Summing } from './series-windows.ts'
import { createWindowReader, type SeriesRead } from './window-reader.ts'

/** One of the series that somebody reads together. Without an id it has no readings yet. */
export interface SeriesToRead {
  readonly seriesId: SeriesId | undefined
  /** Of its site. */
  readonly timeZone: string
}

export interface SeriesReader {
  /**
   * Index i is of series[i]; without `summing` as they came, and with `maxPoints` too where they are no more. A problem where that
   * would be more than an answer holds.
   */
  read(
    series: readonly SeriesToRead[],
    range: TimeRange,
    summing: Summing | undefined,
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
  const readWindow = createWindowReader({ readings, cache })
  const windowsOf = createWindows()

  async function readSummed(series: readonly SeriesToRead[], range: TimeRange, summing: Summing) {
    const timeZones = new Set(series.map(({ timeZone }) => timeZone))
    const windows = await windowsOf(timeZones, range, summing, mostOf(series))
    const few = 'maxPoints' in summing ? { range, most: summing.maxPoints } : undefined
    const ofZones = await Promise.all(
      [...windows].map(([timeZone, window]) => {
        const seriesIds = series.flatMap((one) => (one.timeZone === timeZone ? (one.seriesId ?? []) : []))
        return readWindow(seriesIds, window, few)
      }),
    )
    const found = new Map(ofZones.flatMap(({ reads }) => [...reads]))
    const reads = series.map(({ seriesId, timeZone }): SeriesRead => {
      const size = windows.get(timeZone)?.size
      const nothing = { kind: 'none', bucket: size === undefined ? null : formatBucketSize(size) } as const
      return (seriesId === undefined ? undefined : found.get(seriesId)) ?? nothing
    })
    return { reads, hit: ofZones.every(({ hit }) => hit) }
  }

  function readAsTheyCame(series: readonly SeriesToRead[], range: TimeRange): Promise<SeriesRead[]> {
    const most = mostOf(series)
    return Promise.all(
      series.map(async ({ seriesId }): Promise<SeriesRead> => {
        if (seriesId === undefined) return { kind: 'none', bucket: null }
        const columns = await readings.range({ seriesId, ...range, limit: most + 1 })
        if (columns.timesMs.length <= most) return { kind: 'raw', columns }
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
      if (summing === undefined) return { reads: await readAsTheyCame(series, range), cache: undefined }
      const { reads, hit } = await readSummed(series, range, summing)
      return { reads, cache: hit ? 'hit' : 'miss' }
    },
  }
}

function mostOf({ length }: readonly SeriesToRead[]): number {
  return Math.min(maxPointsOfSeries, Math.floor(maxPointsOfAnswer / length))
}
