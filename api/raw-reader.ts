import type { SeriesId } from '../model/index.ts'
import type { Cache } from '../store/cache/index.ts'
import type { RangeQuery, ReadingColumns } from '../store/readings/index.ts'
import type { BucketChunk } from './bucket-chunks.ts'
import type { TimeRange } from './bucket-edges.ts'
import { decodeColumns, encodeColumns } from './kept-columns.ts'
import { type ChunkKind, type ChunkNow, createKeptSeries } from './kept-series.ts'
import type { Lasting } from './lasting.ts'
import type { ReadingQueries } from './ports.ts'
import { countBefore } from './sorted-times.ts'

/** Readings as they came, ascending, as far as a chart shows them. */
export type RawColumns = Omit<ReadingColumns, 'receivedMs'>

export interface RawRead {
  /** Index i is of seriesIds[i]; all that lie in the range, and of more than `maxKeptReadings` the first and one more. */
  readonly columns: readonly RawColumns[]
  /** Index i tells what of the i-th columns lasts, without a gap; undefined: they are not kept, but read whole each time. */
  readonly lasting: readonly (readonly Lasting[] | undefined)[]
  /** Whether nothing had to be read but what has come since it was kept. */
  readonly hit: boolean
}

/** The readings of a few chunks as they came, of series that hardly have more of them than `maxKeptReadings`. */
export type ReadRaw = (
  seriesIds: readonly SeriesId[],
  chunks: readonly BucketChunk[],
  range: TimeRange,
) => Promise<RawRead>

export const maxKeptReadings = 10_000
/** One more tells that there are more. */
const limit = maxKeptReadings + 1

export interface RawReaderDeps {
  readonly readings: Pick<ReadingQueries, 'markedRanges'>
  readonly cache: Cache
}

export function createRawReader({ readings, cache }: RawReaderDeps): ReadRaw {
  const readKept = createKeptSeries(rawKind(readings), cache)

  return async (seriesIds, chunks, range) => {
    const { series, hit } = await readKept(seriesIds, { name: 'raw', chunks, endMs: range.toMs })
    const missing = seriesIds.filter((_, s) => series[s] === undefined)
    const asked = missing.map((seriesId) => ({ seriesId, ...range, limit }))
    const anew = asked.length === 0 ? [] : (await readings.markedRanges(asked)).readings
    const columns = seriesIds.map((seriesId, s) => {
      const ofChunks = series[s]
      if (ofChunks === undefined) return anew[missing.indexOf(seriesId)] ?? noReadings
      return joined(ofChunks.flatMap(partsOf).map((part) => within(range, part)))
    })
    const lasting = series.map((ofChunks) => ofChunks?.map((now) => lastingOf(now, range)))
    return { columns, lasting, hit }
  }
}

/** What is kept of them; the codes of quality are numbers like all the others. */
interface KeptReadings {
  readonly timesMs: Float64Array
  readonly values: Float64Array
  readonly quality: Float64Array | Uint8Array
}

const noReadings: RawColumns = {
  timesMs: new Float64Array(0),
  values: new Float64Array(0),
  quality: new Uint8Array(0),
}

function rawKind(readings: Pick<ReadingQueries, 'markedRanges'>): ChunkKind<RangeQuery, KeptReadings> {
  return {
    async ask(queries) {
      const { readings: columns, ...marks } = await readings.markedRanges(queries)
      return { ...marks, columns: columns.map((one) => (one.timesMs.length < limit ? one : undefined)) }
    },
    nothing: (seriesId) => ({ seriesId, fromMs: 0, toMs: 0, limit: 1 }),
    whole: (seriesId, { startMs, endMs }) => ({ seriesId, fromMs: startMs, toMs: endMs, limit }),
    after: (seriesId, _, throughMs, endMs) => ({ seriesId, fromMs: throughMs + 1, toMs: endMs, limit }),
    empty: () => noReadings,
    join: (_, { columns }, later) => joined([columns, later]),
    readings: ({ timesMs }) => timesMs.length,
    encode: ({ throughMs, columns: { timesMs, values, quality } }) =>
      encodeColumns(throughMs, [timesMs, values, quality]),
    decode(bytes) {
      const decoded = decodeColumns(bytes, 3)
      const [timesMs, values, quality] = decoded?.columns ?? []
      if (!(decoded && timesMs && values && quality)) return undefined
      return { throughMs: decoded.throughMs, columns: { timesMs, values, quality } }
    },
  }
}

/** One after another. */
function joined(parts: readonly KeptReadings[]): RawColumns {
  const length = parts.reduce((sum, { timesMs }) => sum + timesMs.length, 0)
  const columns = {
    timesMs: new Float64Array(length),
    values: new Float64Array(length),
    quality: new Uint8Array(length),
  }
  let at = 0
  for (const { timesMs, values, quality } of parts) {
    columns.timesMs.set(timesMs, at)
    columns.values.set(values, at)
    columns.quality.set(quality, at)
    at += timesMs.length
  }
  return columns
}

function partsOf({ kept, later }: ChunkNow<KeptReadings>): KeptReadings[] {
  return later === undefined ? [kept.columns] : [kept.columns, later]
}

/** Those of the range. */
function within({ fromMs, toMs }: TimeRange, { timesMs, values, quality }: KeptReadings): KeptReadings {
  const cut = [countBefore(timesMs, fromMs), countBefore(timesMs, toMs)] as const
  return { timesMs: timesMs.subarray(...cut), values: values.subarray(...cut), quality: quality.subarray(...cut) }
}

/** A reading stays as it is, and nothing comes before it; while old ones are removed another one is the first. */
function lastingOf(now: ChunkNow<KeptReadings>, { fromMs, toMs }: TimeRange): Lasting {
  const parts = partsOf(now)
  const countUntil = (timeMs: number) => parts.reduce((sum, { timesMs }) => sum + countBefore(timesMs, timeMs), 0)
  const from = countUntil(fromMs)
  const length = countUntil(toMs) - from
  const firstMs = parts.find(({ timesMs }) => timesMs.length > 0)?.timesMs[0]
  return { key: `${now.key} ${firstMs}`, from, length, final: length }
}
