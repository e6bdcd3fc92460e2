import type { SeriesId } from '../model/index.ts'
import type { Cache } from '../store/cache/index.ts'
import type { SeriesMarks } from '../store/readings/index.ts'
import type { BucketChunk } from './bucket-chunks.ts'
import { bucketAt } from './sorted-times.ts'

/** What is kept of a chunk of the calendar: all that lies in it at or before `throughMs`. */
export interface Kept<Columns> {
  readonly throughMs: number
  readonly columns: Columns
}

/** What can be kept by chunks: how it is asked for, put together, and written down. */
export interface ChunkKind<Query extends { readonly seriesId: SeriesId }, Columns> {
  /** Answers the i-th query with the i-th columns: what lies at or before the newest reading of its series; undefined: too much. */
  ask(queries: readonly Query[]): Promise<SeriesMarks & { readonly columns: readonly (Columns | undefined)[] }>
  /** Asks for the marks alone. */
  nothing(seriesId: SeriesId): Query
  whole(seriesId: SeriesId, chunk: BucketChunk): Query
  /** What lies behind `throughMs` and before `endMs`, which are of the chunk. */
  after(seriesId: SeriesId, chunk: BucketChunk, throughMs: number, endMs: number): Query
  empty(chunk: BucketChunk): Columns
  /** Both together; `later` is of what lies behind `throughMs`. */
  join(chunk: BucketChunk, kept: Kept<Columns>, later: Columns): Columns
  readings(columns: Columns): number
  encode(kept: Kept<Columns>): Uint8Array
  /** Undefined: not what `encode` made of this chunk. */
  decode(bytes: Uint8Array, chunk: BucketChunk): Kept<Columns> | undefined
}

/** A chunk as it is now. */
export interface ChunkNow<Columns> {
  readonly kept: Kept<Columns>
  /** What has come since, behind `kept.throughMs`; undefined: nothing. */
  readonly later: Columns | undefined
  /** Another one as soon as anything changes that lies at or before `newestMs`. */
  readonly key: string
  /** NaN: nothing is there. */
  readonly newestMs: number
}

export interface SeriesChunks<Columns> {
  /** Index s is of seriesIds[s], index c in it of chunks[c]; undefined: what was kept is not good any more, ask for the whole. */
  readonly series: readonly (readonly ChunkNow<Columns>[] | undefined)[]
  /** Whether nothing had to be read but what has come since it was kept. */
  readonly hit: boolean
}

/** Chunks of several series as they are now, up to `endMs`; `name` says in what way the chunks are divided. */
export type ReadKept<Columns> = (
  seriesIds: readonly SeriesId[],
  window: { readonly name: string; readonly chunks: readonly BucketChunk[]; readonly endMs: number },
) => Promise<SeriesChunks<Columns>>

interface Mark {
  readonly epoch: string
  readonly version: number
  readonly newestMs: number
}

interface Place {
  readonly seriesId: SeriesId
  readonly chunk: BucketChunk
  readonly mark: Mark
  readonly key: string
}

/** Of series that somebody reads; a forgotten one is asked about again, which costs a round. */
const keptMarks = 20_000
/** Chunks that are asked for with one call: what many fill at once must not wait for all of it. */
const fillsPerCall = 16
/** So many readings behind what is kept are read again and again before it is written anew, unless a bucket is complete. */
const readAgain = 64
const ttlMs = 3_600_000
const unknownMark: Mark = { epoch: '', version: Number.NaN, newestMs: Number.NaN }

/**
 * Keeps what was read by chunks of the calendar. Under one epoch and version of a series nothing changes that lies at or before its
 * newest reading (`SeriesMarks`), so both are part of the key, and a kept chunk says up to where it is complete: only
 * what has come since then is read. That read brings the marks as they are now, and where they are not those of the key,
 * what was kept is not used.
 */
export function createKeptSeries<Query extends { readonly seriesId: SeriesId }, Columns>(
  kind: ChunkKind<Query, Columns>,
  cache: Cache,
): ReadKept<Columns> {
  const marks = new Map<SeriesId, Mark>()
  const filling = new Map<string, Promise<Kept<Columns> | undefined>>()

  function remember(seriesId: SeriesId, mark: Mark): Mark {
    marks.delete(seriesId)
    marks.set(seriesId, mark)
    const [oldest] = marks.keys()
    if (marks.size > keptMarks && oldest !== undefined) marks.delete(oldest)
    return mark
  }

  async function ask(queries: readonly Query[]): Promise<{ mark: Mark; columns: Columns | undefined }[]> {
    if (queries.length === 0) return []
    const { epoch, versions, newestMs, columns } = await kind.ask(queries)
    return queries.map(({ seriesId }, i) => {
      const mark = { epoch, version: versions[i] ?? Number.NaN, newestMs: newestMs[i] ?? Number.NaN }
      return { mark: remember(seriesId, mark), columns: columns[i] }
    })
  }

  /** As they were when the series was last asked about. */
  async function marksOf(seriesIds: readonly SeriesId[]): Promise<Mark[]> {
    const unknown = seriesIds.filter((seriesId) => !marks.has(seriesId))
    const asked = await ask(unknown.map((seriesId) => kind.nothing(seriesId)))
    const found = new Map(unknown.map((seriesId, i) => [seriesId, asked[i]?.mark]))
    return seriesIds.map((seriesId) => found.get(seriesId) ?? marks.get(seriesId) ?? unknownMark)
  }

  function fill(places: readonly Place[]): void {
    for (let from = 0; from < places.length; from += fillsPerCall) {
      const group = places.slice(from, from + fillsPerCall)
      const answers = ask(group.map(({ seriesId, chunk }) => kind.whole(seriesId, chunk)))
      for (const [i, { key, chunk, mark }] of group.entries()) {
        const filled = answers.then((all) => {
          const { mark: now, columns } = all[i] ?? { mark: unknownMark, columns: undefined }
          if (columns === undefined || !sameMark(now, mark)) return undefined
          const kept = { throughMs: throughOf(now, chunk.endMs), columns }
          cache.set(key, kind.encode(kept), ttlMs)
          return kept
        })
        filling.set(key, filled)
        const done = () => void (filling.get(key) === filled && filling.delete(key))
        filled.then(done, done)
      }
    }
  }

  /** What is kept of each place; what is missing is read, once for all who want it. */
  async function hold(places: readonly Place[]): Promise<{ held: (Kept<Columns> | undefined)[]; hit: boolean }> {
    const kept = await Promise.all(
      places.map(async ({ key, chunk, mark }) => {
        // Nothing was there when the series was last asked about: all of it is what has come since.
        if (!(mark.newestMs >= chunk.startMs)) return { throughMs: chunk.startMs - 1, columns: kind.empty(chunk) }
        const bytes = await cache.get(key)
        return bytes && kind.decode(bytes, chunk)
      }),
    )
    if (!kept.includes(undefined)) return { held: kept, hit: true }
    fill(places.filter(({ key }, i) => kept[i] === undefined && !filling.has(key)))
    const held = await Promise.all(places.map(({ key }, i) => kept[i] ?? filling.get(key)))
    return { held, hit: false }
  }

  /** Undefined: the marks are not those that it was kept under. */
  async function catchUp(places: readonly Place[], held: (Kept<Columns> | undefined)[], endMs: number) {
    const asked = places.flatMap((place, p) => {
      const { seriesId, chunk } = place
      const throughMs = held[p]?.throughMs ?? Number.POSITIVE_INFINITY
      const lastMs = Math.min(chunk.endMs, endMs)
      if (throughMs + 1 < lastMs) return { p, query: kind.after(seriesId, chunk, throughMs, lastMs) }
      // Each series is asked about, be it for its marks alone.
      return places[p - 1]?.seriesId === seriesId ? [] : { p, query: kind.nothing(seriesId) }
    })
    const answers = await ask(asked.map(({ query }) => query))
    const laters: (Columns | undefined)[] = held.map(() => undefined)
    const newest = new Map<SeriesId, number>()
    const changed = new Set(places.flatMap(({ seriesId }, p) => (held[p] === undefined ? seriesId : [])))
    for (const [a, { p }] of asked.entries()) {
      const place = places[p]
      const kept = held[p]
      const answer = answers[a]
      if (place === undefined || answer === undefined) continue
      newest.set(place.seriesId, answer.mark.newestMs)
      if (answer.columns === undefined || !sameMark(answer.mark, place.mark)) changed.add(place.seriesId)
      else if (kept !== undefined && kind.readings(answer.columns) > 0) {
        laters[p] = answer.columns
        extend(place, kept, { mark: answer.mark, columns: answer.columns }, endMs)
      }
    }
    const caughtUp = places.map(({ seriesId, key }, p): ChunkNow<Columns> | undefined => {
      const kept = held[p]
      return kept && { kept, later: laters[p], key, newestMs: newest.get(seriesId) ?? Number.NaN }
    })
    return { caughtUp, changed }
  }

  /** Keeps what is kept and what has come since together, once that is worth it. */
  function extend({ chunk, key }: Place, kept: Kept<Columns>, later: { mark: Mark; columns: Columns }, endMs: number) {
    const throughMs = throughOf(later.mark, Math.min(chunk.endMs, endMs))
    const isBucketFull = bucketAt(chunk.edgesMs, throughMs + 1) > bucketAt(chunk.edgesMs, kept.throughMs + 1)
    if (isBucketFull || kind.readings(later.columns) >= readAgain)
      cache.set(key, kind.encode({ throughMs, columns: kind.join(chunk, kept, later.columns) }), ttlMs)
  }

  return async (seriesIds, { name, chunks, endMs }) => {
    if (seriesIds.length === 0) return { series: [], hit: true }
    const before = await marksOf(seriesIds)
    const places = seriesIds.flatMap((seriesId, s) =>
      chunks.map((chunk) => {
        const mark = before[s] ?? unknownMark
        const key = `readings ${mark.epoch} ${seriesId} ${mark.version} ${name} ${chunk.startMs} ${chunk.endMs}`
        return { seriesId, chunk, mark, key }
      }),
    )
    const { held, hit } = await hold(places)
    const { caughtUp, changed } = await catchUp(places, held, endMs)
    const series = seriesIds.map((seriesId, s) => {
      const ofSeries = caughtUp.slice(s * chunks.length, (s + 1) * chunks.length).filter((one) => one !== undefined)
      return changed.has(seriesId) || ofSeries.length < chunks.length ? undefined : ofSeries
    })
    return { series, hit: hit && changed.size === 0 }
  }
}

function sameMark(a: Mark, b: Mark): boolean {
  return a.epoch === b.epoch && a.version === b.version
}

/** Up to where what ends at `endMs` is complete. */
function throughOf({ newestMs }: Mark, endMs: number): number {
  return Number.isNaN(newestMs) ? Number.NEGATIVE_INFINITY : Math.min(newestMs, endMs - 1)
}
