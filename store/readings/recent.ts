import { isAppError, type ReadingBatch, type SeriesId } from '../../model/index.ts'
import { checkEdges, emptyReadings } from './columns.ts'
import type { MarkedStore, ReadingColumns, ReadingStore, SeriesMarks, StoreMarks } from './reading-store.ts'
import { newestOf, recentBuckets, recentRange } from './recent-answers.ts'
import { RecentWindow } from './recent-window.ts'
import { createUntilNow } from './until-now.ts'

const dayMs = 86_400_000

export interface RecentConfig {
  /** Memory for the newest readings, 25 bytes each; it is taken as it fills. At the bound the oldest make room. */
  readonly bytesMax: number
}

/**
 * A store that answers from memory what lies in the newest readings of a series, asks `store` for the rest, and says what may be
 * kept of that. All writes must pass through it. What was stored before its start it cannot know: since when it has all of a
 * series is what `store` said when it was opened, or else its own `latest`, at the first question after the series.
 */
export function withRecent(store: ReadingStore, { bytesMax }: RecentConfig): MarkedStore {
  const recent = new RecentWindow(bytesMax)
  /** Per series: nothing was stored at or after this time but what was pushed here. */
  const knownFromMs = new Map<SeriesId, number>()
  const learning = new Map<SeriesId, Promise<void>>()
  /** Of the series that have had late readings: how often. */
  const versions = new Map<SeriesId, number>()
  let epoch = crypto.randomUUID()
  let emptyFromMs: StoreMarks['emptyFromMs']
  let closed = false
  const untilNow = createUntilNow(store, recent, windowFromMs)

  const bump = (seriesId: SeriesId) => versions.set(seriesId, (versions.get(seriesId) ?? 0) + 1)
  const beginEpoch = () => {
    epoch = crypto.randomUUID()
    versions.clear()
  }

  /** Everything the store has from then on is in memory. Infinity: nothing is known. */
  function windowFromMs(seriesId: SeriesId): number {
    return Math.max(knownFromMs.get(seriesId) ?? Number.POSITIVE_INFINITY, recent.heldFromMs(seriesId))
  }

  function learn(seriesId: SeriesId, newestMs: number): void {
    if (knownFromMs.has(seriesId) || Number.isNaN(newestMs)) return
    recent.raiseNewest(seriesId, newestMs)
    // One that was not pushed here is not in memory, also where something newer has been pushed meanwhile.
    const { timesMs } = recentRange(recent, { seriesId, fromMs: newestMs, toMs: newestMs + 1, limit: 1 })
    knownFromMs.set(seriesId, timesMs.length > 0 ? newestMs : newestMs + 1)
  }

  /** Without a question, where the store said what it had. */
  function isKnown(seriesId: SeriesId): boolean {
    if (knownFromMs.has(seriesId)) return true
    const fromMs = emptyFromMs?.(seriesId)
    if (fromMs === undefined) return false
    if (fromMs > Number.NEGATIVE_INFINITY) recent.raiseNewest(seriesId, fromMs - 1)
    knownFromMs.set(seriesId, fromMs)
    return true
  }

  function marksOf(queries: readonly { readonly seriesId: SeriesId }[]): SeriesMarks {
    return {
      epoch,
      versions: Float64Array.from(queries, ({ seriesId }) => versions.get(seriesId) ?? 0),
      newestMs: Float64Array.from(queries, ({ seriesId }) => newestOf(recent, seriesId)),
    }
  }

  /** Of series that many ask about at the same time the store is asked once. */
  async function learnAll(seriesIds: readonly SeriesId[]): Promise<void> {
    const unknown = [...new Set(seriesIds)].filter((seriesId) => !isKnown(seriesId))
    const asking = unknown.filter((seriesId) => !learning.has(seriesId))
    if (asking.length > 0) {
      const learned = store.latest(Int32Array.from(asking)).then(({ timesMs }) => {
        for (const [i, seriesId] of asking.entries()) learn(seriesId, timesMs[i] ?? Number.NaN)
      })
      for (const seriesId of asking) learning.set(seriesId, learned)
      const forget = () => {
        for (const seriesId of asking) learning.delete(seriesId)
      }
      learned.then(forget, forget)
    }
    await Promise.all(unknown.map((seriesId) => learning.get(seriesId)))
  }

  /** Whether memory can answer what lies at and after `fromMs`. */
  async function holds(seriesId: SeriesId, fromMs: number): Promise<boolean> {
    if (closed || !(fromMs >= recent.heldFromMs(seriesId))) return false
    if (!isKnown(seriesId)) {
      // Not worth a question where there is nothing that could answer.
      if (!(fromMs >= recent.oldestMs(seriesId))) return false
      await learnAll([seriesId])
    }
    return !closed && fromMs >= windowFromMs(seriesId)
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
      const query = { seriesId, fromMs: newestMs, toMs: Infinity, limit: 1 }
      if (newestMs >= windowFromMs(seriesId)) put(i, recentRange(recent, query), 0)
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

  /** After a write that failed nobody knows what of it can be seen: it will be repeated, and until then what it could change is not kept. */
  function afterFailure(error: unknown, { length, seriesIds, timesMs }: ReadingBatch): void {
    if (isAppError(error, 'store_emptied')) beginEpoch()
    for (let i = 0; i < length; i++) {
      const seriesId = seriesIds[i] ?? 0
      if (Math.floor(timesMs[i] ?? 0) <= recent.newestMs(seriesId)) bump(seriesId)
    }
  }

  return {
    remote: store.remote,
    open: async () => {
      beginEpoch()
      const marks = await store.open()
      // Of the first time: what was stored since came through here.
      emptyFromMs ??= marks.emptyFromMs
      return marks
    },
    write: async (batch, position) => {
      const outcome = await store.write(batch, position).catch((error: unknown) => {
        afterFailure(error, batch)
        throw error
      })
      const refused = new Set(outcome.refused.map(({ index }) => index))
      const { length, seriesIds, timesMs, values, quality, receivedMs } = batch
      for (let i = 0; i < length; i++) {
        if (refused.size > 0 && refused.has(i)) continue
        const seriesId = seriesIds[i] ?? 0
        const timeMs = Math.floor(timesMs[i] ?? 0)
        if (recent.push(seriesId, timeMs, values[i] ?? 0, quality[i] ?? 0, receivedMs[i] ?? 0)) bump(seriesId)
      }
      return outcome
    },
    range: async (query) =>
      (await holds(query.seriesId, query.fromMs)) ? recentRange(recent, query) : store.range(query),
    buckets: async ({ seriesId, edgesMs: edges }) => {
      const edgesMs = checkEdges(edges)
      const inMemory = await holds(seriesId, edgesMs[0] ?? Number.NaN)
      return inMemory ? recentBuckets(recent, { seriesId, edgesMs }) : store.buckets({ seriesId, edgesMs })
    },
    async marked(given) {
      const queries = given.map(({ seriesId, edgesMs }) => ({
        seriesId,
        edgesMs: edgesMs.length === 0 ? edgesMs : checkEdges(edgesMs),
      }))
      await learnAll(queries.map(({ seriesId }) => seriesId))
      // Without a pause in between: the marks are those of what is read.
      const marks = marksOf(queries)
      const buckets = queries.map(closed ? (query) => store.buckets(query) : untilNow.buckets)
      return { ...marks, buckets: await Promise.all(buckets) }
    },
    async markedRanges(queries) {
      await learnAll(queries.map(({ seriesId }) => seriesId))
      const marks = marksOf(queries)
      const readings = queries.map(closed ? (query) => store.range(query) : untilNow.range)
      return { ...marks, readings: await Promise.all(readings) }
    },
    latest: async (seriesIds) => (closed ? store.latest(seriesIds) : latest(seriesIds)),
    expire: async (beforeMs, rollupsBeforeMs) => {
      await store.expire(beforeMs, rollupsBeforeMs).finally(beginEpoch)
      recent.trimAll(Math.floor(beforeMs / dayMs) * dayMs - 1)
    },
    stats: () => store.stats(),
    close: () => {
      closed = true
      return store.close()
    },
  }
}
