import type { SeriesId } from '../model/index.ts'
import type { Cache } from '../store/cache/index.ts'
import { type BucketColumns, emptyBuckets, mergeBucket } from '../store/readings/index.ts'
import type { BucketChunk } from './bucket-chunks.ts'
import { type ChunkValue, copyBuckets, decodeChunk, encodeChunk } from './bucket-value.ts'
import type { BucketWindow } from './bucket-window.ts'
import type { ReadingQueries } from './ports.ts'

export interface BucketsRead {
  /** Index i is of seriesIds[i]; as many buckets as the window has. */
  readonly columns: readonly BucketColumns[]
  /** Whether nothing had to be read but what has come since it was kept. */
  readonly hit: boolean
}

export interface BucketReader {
  /** Buckets of several series as they are now: exactly what the store would answer. */
  read(seriesIds: readonly SeriesId[], window: BucketWindow): Promise<BucketsRead>
}

export interface BucketReaderDeps {
  readonly readings: Pick<ReadingQueries, 'marked'>
  readonly cache: Cache
}

interface Mark {
  readonly epoch: string
  readonly version: number
  readonly newestMs: number
}

/** Of series that somebody reads; one is asked for again, which costs a round to the store. */
const keptMarks = 20_000
/** Buckets that are asked for with one call; what many clients fill at once must not wait for one of them. */
const fillsPerCall = 16
/** So many readings behind what is kept are read again and again before it is written anew, unless a bucket is complete. */
const readAgain = 64
const ttlMs = 3_600_000

/**
 * Reads buckets, and keeps them by chunks of the calendar. Under one epoch and version of a series nothing changes that lies at or
 * before its newest reading (`SeriesMarks`), so both are part of the key, and a kept chunk says up to where it is complete:
 * only what has come since then is read. That read brings the marks as they are now, and where they are not those of the
 * key, what was kept is not used.
 */
export function createBucketReader({ readings, cache }: BucketReaderDeps): BucketReader {
  const marks = new Map<SeriesId, Mark>()
  const filling = new Map<string, Promise<ChunkValue | undefined>>()

  function remember(seriesId: SeriesId, mark: Mark): Mark {
    marks.delete(seriesId)
    marks.set(seriesId, mark)
    const [oldest] = marks.keys()
    if (marks.size > keptMarks && oldest !== undefined) marks.delete(oldest)
    return mark
  }

  /** Asks, and remembers the marks that come along. */
  async function ask(queries: readonly { readonly seriesId: SeriesId; readonly edgesMs: Float64Array }[]) {
    const { epoch, versions, newestMs, buckets } = await readings.marked(queries)
    return queries.map(({ seriesId }, i) => ({
      mark: remember(seriesId, {
        epoch,
        version: versions[i] ?? Number.NaN,
        newestMs: newestMs[i] ?? Number.NaN,
      }),
      columns: buckets[i] ?? emptyBuckets(0),
    }))
  }

  /** As they were when the series was last asked about. */
  async function marksOf(seriesIds: readonly SeriesId[]): Promise<Mark[]> {
    const unknown = seriesIds.filter((seriesId) => !marks.has(seriesId))
    const asked = unknown.length === 0 ? [] : await ask(unknown.map((seriesId) => ({ seriesId, edgesMs: noEdges })))
    const found = new Map(unknown.map((seriesId, i) => [seriesId, asked[i]?.mark]))
    return seriesIds.map((seriesId) => found.get(seriesId) ?? marks.get(seriesId) ?? unknownMark)
  }

  function fill(places: readonly Place[]): void {
    for (let from = 0; from < places.length; from += fillsPerCall) {
      const group = places.slice(from, from + fillsPerCall)
      const answers = ask(group.map(({ seriesId, chunk }) => ({ seriesId, edgesMs: chunk.edgesMs })))
      for (const [i, { key, chunk, mark }] of group.entries()) {
        const value = answers.then((all): ChunkValue | undefined => {
          const answer = all[i]
          if (answer === undefined || !sameMark(answer.mark, mark)) return undefined
          const filled = { throughMs: throughOf(answer.mark, chunk.endMs), columns: answer.columns }
          cache.set(key, encodeChunk(filled), ttlMs)
          return filled
        })
        filling.set(key, value)
        const done = () => void (filling.get(key) === value && filling.delete(key))
        value.then(done, done)
      }
    }
  }

  /** What is kept of each place; what is missing is read, once for all who want it. */
  async function hold(places: readonly Place[]): Promise<{ values: (ChunkValue | undefined)[]; hit: boolean }> {
    const kept = await Promise.all(
      places.map(async ({ key, chunk, mark }): Promise<ChunkValue | undefined> => {
        const size = chunk.edgesMs.length - 1
        // Nothing was there when the series was last asked about: all of it is what has come since.
        if (!(mark.newestMs >= chunk.startMs)) return { throughMs: chunk.startMs - 1, columns: emptyBuckets(size) }
        const bytes = await cache.get(key)
        return bytes && decodeChunk(bytes, size)
      }),
    )
    const missing = places.filter((_, i) => kept[i] === undefined)
    if (missing.length === 0) return { values: kept, hit: true }
    fill(missing.filter(({ key }) => !filling.has(key)))
    const values = places.map(({ key }, i) => kept[i] ?? filling.get(key))
    return { values: await Promise.all(values), hit: false }
  }

  /** The whole window from the store. */
  async function readAnew(seriesIds: readonly SeriesId[], { edgesMs }: BucketWindow): Promise<BucketColumns[]> {
    const answers = await ask(seriesIds.map((seriesId) => ({ seriesId, edgesMs })))
    return answers.map(({ columns }) => columns)
  }

  return {
    async read(seriesIds, window) {
      const { chunks } = window
      if (chunks === undefined || seriesIds.length === 0)
        return { columns: await readAnew(seriesIds, window), hit: seriesIds.length === 0 }
      const before = await marksOf(seriesIds)
      const places = seriesIds.flatMap((seriesId, s) =>
        chunks.map((chunk): Place => placeOf(seriesId, before[s] ?? unknownMark, chunk, window.name)),
      )
      const { values, hit } = await hold(places)
      const windowEndMs = window.edgesMs.at(-1) ?? 0
      const tails = places.map(({ chunk }, p) => edgesAfter(values[p]?.throughMs ?? Number.NaN, chunk, windowEndMs))
      // Each series is asked about, be it for its marks alone.
      const asked = places.flatMap((place, p) => ((tails[p]?.length ?? 0) > 0 || isFirst(place, chunks) ? [p] : []))
      const answers = await ask(
        asked.map((p) => ({ seriesId: places[p]?.seriesId ?? 0, edgesMs: tails[p] ?? noEdges })),
      )
      const changed = new Set<SeriesId>()
      for (const [a, p] of asked.entries()) {
        const place = places[p]
        const answer = answers[a]
        const value = values[p]
        if (place === undefined) continue
        if (value === undefined || answer === undefined || !sameMark(answer.mark, place.mark))
          changed.add(place.seriesId)
        else if (answer.columns.count.length > 0) values[p] = extend(place, value, answer, windowEndMs)
      }
      for (const [p, place] of places.entries()) if (values[p] === undefined) changed.add(place.seriesId)
      const anew = new Map<SeriesId, BucketColumns | undefined>()
      if (changed.size > 0) {
        const ids = [...changed]
        const columns = await readAnew(ids, window)
        for (const [i, seriesId] of ids.entries()) anew.set(seriesId, columns[i])
      }
      const columns = seriesIds.map(
        (seriesId, s) =>
          anew.get(seriesId) ?? assemble(window, chunks, values.slice(s * chunks.length, (s + 1) * chunks.length)),
      )
      return { columns, hit: hit && changed.size === 0 }
    },
  }

  /** What is kept and what has come since, together; kept in its turn once that is worth it. */
  function extend(place: Place, value: ChunkValue, answer: Answer, windowEndMs: number): ChunkValue {
    const { chunk, key } = place
    const columns = emptyBuckets(value.columns.count.length)
    copyBuckets(columns, 0, value.columns, [0, columns.count.length])
    const first = bucketAt(chunk.edgesMs, value.throughMs + 1)
    let readings = 0
    for (let i = 0; i < answer.columns.count.length; i++) {
      readings += answer.columns.count[i] ?? 0
      mergeBucket(columns, first + i, answer.columns, i)
    }
    const throughMs = Math.max(value.throughMs, throughOf(answer.mark, Math.min(chunk.endMs, windowEndMs)))
    const extended = { throughMs, columns }
    if (readings >= readAgain || bucketAt(chunk.edgesMs, throughMs + 1) > first)
      cache.set(key, encodeChunk(extended), ttlMs)
    return extended
  }
}

interface Place {
  readonly seriesId: SeriesId
  readonly chunk: BucketChunk
  readonly mark: Mark
  readonly key: string
}

interface Answer {
  readonly mark: Mark
  readonly columns: BucketColumns
}

const noEdges = new Float64Array(0)
const unknownMark: Mark = { epoch: '', version: Number.NaN, newestMs: Number.NaN }

function placeOf(seriesId: SeriesId, mark: Mark, chunk: BucketChunk, name: string): Place {
  const key = `buckets ${mark.epoch} ${seriesId} ${mark.version} ${name} ${chunk.startMs}`
  return { seriesId, chunk, mark, key }
}

function sameMark(a: Mark, b: Mark): boolean {
  return a.epoch === b.epoch && a.version === b.version
}

/** Up to where buckets that end at `endMs` are complete. */
function throughOf({ newestMs }: Mark, endMs: number): number {
  return Number.isNaN(newestMs) ? Number.NEGATIVE_INFINITY : Math.min(newestMs, endMs - 1)
}

function isFirst({ chunk }: Place, chunks: readonly BucketChunk[]): boolean {
  return chunk === chunks[0]
}

/** Index of the bucket that holds the time; the number of buckets where it is beyond them. */
function bucketAt(edgesMs: Float64Array, timeMs: number): number {
  return edgesMs.findLastIndex((edgeMs) => edgeMs <= timeMs)
}

/** Edges of what lies behind `throughMs` in the chunk, up to the end of the window; none: nothing does. */
function edgesAfter(throughMs: number, { edgesMs, endMs }: BucketChunk, windowEndMs: number): Float64Array {
  const lastMs = Math.min(endMs, windowEndMs)
  if (!(throughMs + 1 < lastMs)) return noEdges
  const edges = edgesMs.slice(bucketAt(edgesMs, throughMs + 1), bucketAt(edgesMs, lastMs) + 1)
  edges[0] = throughMs + 1
  return edges
}

function assemble(
  { edgesMs }: BucketWindow,
  chunks: readonly BucketChunk[],
  values: readonly (ChunkValue | undefined)[],
): BucketColumns {
  const columns = emptyBuckets(edgesMs.length - 1)
  const [firstMs = 0] = edgesMs
  const lastMs = edgesMs.at(-1) ?? 0
  let at = 0
  for (const [c, chunk] of chunks.entries()) {
    const from = Math.max(0, bucketAt(chunk.edgesMs, firstMs))
    const to = lastMs >= chunk.endMs ? chunk.edgesMs.length - 1 : bucketAt(chunk.edgesMs, lastMs)
    const value = values[c]
    if (value !== undefined) copyBuckets(columns, at, value.columns, [from, to])
    at += to - from
  }
  return columns
}
