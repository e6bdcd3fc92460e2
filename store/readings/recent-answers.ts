import type { SeriesId } from '../../model/index.ts'
import { emptyBuckets, meanScale } from './columns.ts'
import type { BucketColumns, BucketQuery, RangeQuery, ReadingColumns } from './reading-store.ts'
import type { RecentWindow } from './recent-window.ts'

/** Readings of the window; whoever asks has made sure that it holds them all. */
export function recentRange(recent: RecentWindow, { seriesId, fromMs, toMs, limit }: RangeQuery): ReadingColumns {
  const rows: [number, number, number, number][] = []
  recent.walk(seriesId, fromMs, (timeMs, value, quality, receivedMs) => {
    if (timeMs >= toMs || rows.length >= limit) return false
    rows.push([timeMs, value, quality, receivedMs])
    return true
  })
  return {
    timesMs: Float64Array.from(rows, (row) => row[0]),
    values: Float64Array.from(rows, (row) => row[1]),
    quality: Uint8Array.from(rows, (row) => row[2]),
    receivedMs: Float64Array.from(rows, (row) => row[3]),
  }
}

export function recentBuckets(recent: RecentWindow, { seriesId, edgesMs }: BucketQuery): BucketColumns {
  const answer = emptyBuckets(edgesMs.length - 1)
  const { count, avg, min, max, sum, first, last } = answer
  let bucket = 0
  recent.walk(seriesId, edgesMs[0] ?? 0, (timeMs, value) => {
    while (bucket < count.length && timeMs >= (edgesMs[bucket + 1] ?? 0)) bucket++
    if (bucket === count.length) return false
    const before = count[bucket] ?? 0
    count[bucket] = before + 1
    sum[bucket] = before === 0 ? value : (sum[bucket] ?? 0) + value
    min[bucket] = before === 0 ? value : Math.min(min[bucket] ?? 0, value)
    max[bucket] = before === 0 ? value : Math.max(max[bucket] ?? 0, value)
    if (before === 0) first[bucket] = value
    last[bucket] = value
    // The sum of what is scaled, until all are there.
    avg[bucket] = (before === 0 ? 0 : (avg[bucket] ?? 0)) + value * meanScale
    return true
  })
  for (const [i, of] of count.entries()) if (of > 0) avg[i] = (avg[i] ?? 0) / of / meanScale
  return answer
}

/** The time of the newest reading held, as far as the window knows; NaN: none was pushed or told. */
export function newestOf(recent: RecentWindow, seriesId: SeriesId): number {
  const newestMs = recent.newestMs(seriesId)
  return newestMs === Number.NEGATIVE_INFINITY ? Number.NaN : newestMs
}
