import type { SeriesId } from '../../model/index.ts'
import { checkEdges, emptyBuckets, emptyReadings, meanScale } from './columns.ts'
import type { BucketQuery, RangeQuery, ReadingColumns, ReadingStore } from './reading-store.ts'
import { RecentWindow } from './recent-window.ts'

const dayMs = 86_400_000

export interface RecentConfig {
  /** Memory for the newest readings, 25 bytes each; it is taken as it fills. At the bound the oldest make room. */
  readonly bytesMax: number
}

/**
 * A store that answers from memory what lies wholly in the newest readings of a series, and asks `store` for the rest.
 * All writes must pass through it. What was stored before its start it cannot know: it learns from the store's own
 * `latest`, at the first question after a series, since when it has all of it.
 */
export function withRecent(store: ReadingStore, { bytesMax }: RecentConfig): ReadingStore {
  const recent = new RecentWindow(bytesMax)
  /** Per series: nothing was stored at or after this time but what was pushed here. */
  const knownFromMs = new Map<SeriesId, number>()
  let closed = false

  /** Everything the store has from then on is in memory. Infinity: nothing is known. */
  function windowFromMs(seriesId: SeriesId): number {
    return Math.max(knownFromMs.get(seriesId) ?? Number.POSITIVE_INFINITY, recent.oldestMs(seriesId))
  }

  function learn(seriesId: SeriesId, newestMs: number): void {
    if (knownFromMs.has(seriesId) || Number.isNaN(newestMs)) return
    recent.raiseNewest(seriesId, newestMs)
    knownFromMs.set(seriesId, newestMs)
  }

  /** Whether memory can answer what lies at and after `fromMs`. */
  async function holds(seriesId: SeriesId, fromMs: number): Promise<boolean> {
    if (closed || !(fromMs >= recent.oldestMs(seriesId))) return false
    if (!knownFromMs.has(seriesId))
      learn(seriesId, (await store.latest(Int32Array.of(seriesId))).timesMs[0] ?? Number.NaN)
    return !closed && fromMs >= windowFromMs(seriesId)
  }

  function range({ seriesId, fromMs, toMs, limit }: RangeQuery): ReadingColumns {
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

  function buckets({ seriesId, edgesMs }: BucketQuery) {
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

  async function latest(seriesIds: Int32Array): Promise<ReadingColumns> {
    const answer = emptyReadings(seriesIds.length)
    const put = (i: number, reading: ReadingColumns, from: number) => {
      answer.timesMs[i] = reading.timesMs[from] ?? Number.NaN
      answer.values[i] = reading.values[from] ?? Number.NaN
      answer.quality[i] = reading.quality[from] ?? 0
      answer.receivedMs[i] = reading.receivedMs[from] ?? Number.NaN
    }
    const missing: number[] = []
    for (const [i, seriesId] of seriesIds.entries()) {
      const newestMs = recent.newestMs(seriesId)
      if (newestMs >= windowFromMs(seriesId)) put(i, range({ seriesId, fromMs: newestMs, toMs: Infinity, limit: 1 }), 0)
      else missing.push(i)
    }
    if (missing.length === 0) return answer
    const stored = await store.latest(Int32Array.from(missing, (i) => seriesIds[i] ?? 0))
    for (const [from, i] of missing.entries()) {
      put(i, stored, from)
      learn(seriesIds[i] ?? 0, stored.timesMs[from] ?? Number.NaN)
    }
    return answer
  }

  return {
    remote: store.remote,
    open: () => store.open(),
    write: async (batch, position) => {
      const outcome = await store.write(batch, position)
      const refused = new Set(outcome.refused.map(({ index }) => index))
      const { length, seriesIds, timesMs, values, quality, receivedMs } = batch
      for (let i = 0; i < length; i++)
        if (refused.size === 0 || !refused.has(i))
          recent.push(
            seriesIds[i] ?? 0,
            Math.floor(timesMs[i] ?? 0),
            values[i] ?? 0,
            quality[i] ?? 0,
            receivedMs[i] ?? 0,
          )
      return outcome
    },
    range: async (query) => ((await holds(query.seriesId, query.fromMs)) ? range(query) : store.range(query)),
    buckets: async ({ seriesId, edgesMs: edges }) => {
      const edgesMs = checkEdges(edges)
      const inMemory = await holds(seriesId, edgesMs[0] ?? Number.NaN)
      return inMemory ? buckets({ seriesId, edgesMs }) : store.buckets({ seriesId, edgesMs })
    },
    latest: async (seriesIds) => (closed ? store.latest(seriesIds) : latest(seriesIds)),
    expire: async (beforeMs, rollupsBeforeMs) => {
      await store.expire(beforeMs, rollupsBeforeMs)
      recent.trimAll(Math.floor(beforeMs / dayMs) * dayMs - 1)
    },
    stats: () => store.stats(),
    close: () => {
      closed = true
      return store.close()
    },
  }
}
