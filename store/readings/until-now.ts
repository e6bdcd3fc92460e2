import type { SeriesId } from '../../model/index.ts'
import { emptyBuckets, emptyReadings, joinReadings, mergeBucket } from './columns.ts'
import type { BucketColumns, BucketQuery, RangeQuery, ReadingColumns, ReadingStore } from './reading-store.ts'
import { newestOf, recentBuckets, recentRange } from './recent-answers.ts'
import type { RecentWindow } from './recent-window.ts'

/**
 * Answers made of exactly what lies at or before the newest reading of a series as it is at the call: the part in memory is
 * read at once, and the rest, which the store is asked for, is changed by nothing but late readings.
 */
export interface UntilNow {
  buckets(query: BucketQuery): BucketColumns | Promise<BucketColumns>
  range(query: RangeQuery): ReadingColumns | Promise<ReadingColumns>
}

/** `windowFromMs`: from then on memory has all of a series; Infinity: from never. */
export function createUntilNow(
  store: Pick<ReadingStore, 'buckets' | 'range'>,
  recent: RecentWindow,
  windowFromMs: (seriesId: SeriesId) => number,
): UntilNow {
  /** The last buckets, of which the first begins at `fromMs`. */
  function memoryPart(seriesId: SeriesId, edgesMs: Float64Array, fromMs: number): BucketColumns {
    const at = edgesMs.findLastIndex((edgeMs) => edgeMs <= fromMs)
    const cut = edgesMs.slice(at)
    cut[0] = fromMs
    return recentBuckets(recent, { seriesId, edgesMs: cut })
  }

  /** The first buckets, of which the last ends at `toMs`. */
  function storePart(seriesId: SeriesId, edgesMs: Float64Array, toMs: number): Promise<BucketColumns> {
    const cut = edgesMs.slice(0, edgesMs.findIndex((edgeMs) => edgeMs >= toMs) + 1)
    cut[cut.length - 1] = toMs
    return store.buckets({ seriesId, edgesMs: cut })
  }

  return {
    buckets({ seriesId, edgesMs }) {
      const size = Math.max(0, edgesMs.length - 1)
      const endMs = newestOf(recent, seriesId) + 1
      const fromMs = edgesMs[0] ?? Number.NaN
      if (!(fromMs < endMs)) return emptyBuckets(size)
      const heldFromMs = windowFromMs(seriesId)
      if (heldFromMs <= fromMs) return recentBuckets(recent, { seriesId, edgesMs })
      const lastMs = Math.min(endMs, edgesMs.at(-1) ?? fromMs)
      const inMemory = heldFromMs < lastMs ? memoryPart(seriesId, edgesMs, heldFromMs) : undefined
      return storePart(seriesId, edgesMs, Math.min(heldFromMs, lastMs)).then((stored) => {
        const answer = emptyBuckets(size)
        for (let i = 0; i < stored.count.length; i++) mergeBucket(answer, i, stored, i)
        if (inMemory === undefined) return answer
        const first = size - inMemory.count.length
        for (let i = 0; i < inMemory.count.length; i++) mergeBucket(answer, first + i, inMemory, i)
        return answer
      })
    },

    range(query) {
      const { seriesId, fromMs, limit } = query
      const toMs = Math.min(query.toMs, newestOf(recent, seriesId) + 1)
      if (!(fromMs < toMs)) return emptyReadings(0)
      const heldFromMs = windowFromMs(seriesId)
      if (heldFromMs <= fromMs) return recentRange(recent, { ...query, toMs })
      const inMemory =
        heldFromMs < toMs ? recentRange(recent, { seriesId, fromMs: heldFromMs, toMs, limit }) : undefined
      return store
        .range({ seriesId, fromMs, toMs: Math.min(heldFromMs, toMs), limit })
        .then((stored) => (inMemory === undefined ? stored : joinReadings(stored, inMemory, limit)))
    },
  }
}
