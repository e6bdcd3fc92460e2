import type { SeriesId } from '../model/index.ts'
import type { Cache } from '../store/cache/index.ts'
import { emptyReadings, joinReadings, type RangeQuery, type ReadingColumns } from '../store/readings/index.ts'
import type { BucketChunk } from './bucket-chunks.ts'
import type { TimeRange } from './bucket-edges.ts'
import { decodeColumns, encodeColumns } from './kept-columns.ts'
import { type ChunkKind, createKeptSeries } from './kept-series.ts'
import type { ReadingQueries } from './ports.ts'

export interface RawRead {
  /** Index i is of seriesIds[i]; ascending, all that lie in the range, and of more than `maxKeptReadings` the first and one more. */
  readonly columns: readonly ReadingColumns[]
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
      if (ofChunks === undefined) return anew[missing.indexOf(seriesId)] ?? emptyReadings(0)
      return within(
        range,
        ofChunks.reduce((all, one) => joinReadings(all, one, Number.POSITIVE_INFINITY)),
      )
    })
    return { columns, hit }
  }
}

function rawKind(readings: Pick<ReadingQueries, 'markedRanges'>): ChunkKind<RangeQuery, ReadingColumns> {
  return {
    async ask(queries) {
      const { readings: columns, ...marks } = await readings.markedRanges(queries)
      return { ...marks, columns: columns.map((one) => (one.timesMs.length < limit ? one : undefined)) }
    },
    nothing: (seriesId) => ({ seriesId, fromMs: 0, toMs: 0, limit: 1 }),
    whole: (seriesId, { startMs, endMs }) => ({ seriesId, fromMs: startMs, toMs: endMs, limit }),
    after: (seriesId, _, throughMs, endMs) => ({ seriesId, fromMs: throughMs + 1, toMs: endMs, limit }),
    empty: () => emptyReadings(0),
    join: (_, { columns }, later) => joinReadings(columns, later, Number.POSITIVE_INFINITY),
    readings: ({ timesMs }) => timesMs.length,
    encode: ({ throughMs, columns: { timesMs, values, quality, receivedMs } }) =>
      encodeColumns(throughMs, [timesMs, values, quality, receivedMs]),
    decode(bytes) {
      const decoded = decodeColumns(bytes, 4)
      const [timesMs, values, quality, receivedMs] = decoded?.columns ?? []
      if (!(decoded && timesMs && values && quality && receivedMs)) return undefined
      return {
        throughMs: decoded.throughMs,
        columns: { timesMs, values, quality: Uint8Array.from(quality), receivedMs },
      }
    },
  }
}

function within({ fromMs, toMs }: TimeRange, columns: ReadingColumns): ReadingColumns {
  const { timesMs, values, quality, receivedMs } = columns
  const from = timesMs.findIndex((timeMs) => timeMs >= fromMs)
  const to = timesMs.findLastIndex((timeMs) => timeMs < toMs) + 1
  const cut = [from === -1 ? to : from, to] as const
  return {
    timesMs: timesMs.subarray(...cut),
    values: values.subarray(...cut),
    quality: quality.subarray(...cut),
    receivedMs: receivedMs.subarray(...cut),
  }
}
