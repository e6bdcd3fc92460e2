import { qualityNames, type SeriesId } from '../model/index.ts'
import { type CursorFilter, decodeCursor, encodeCursor } from './cursor.ts'
import { defaultLimit, rangePlace } from './paging.ts'
import type { ReadingQueries } from './ports.ts'
import { badParameter } from './problem.ts'
import type { RawColumns } from './raw-reader.ts'
import type { ReadingQuery } from './reading-query.ts'
import { createTimeFormat } from './time.ts'

/** No reading is stored under a time that far ahead (docs/mqtt.md). */
export const aheadMs = 10 * 60_000 + 1

export interface RawReading {
  time: string
  value: number
  quality: (typeof qualityNames)[number]
}

export interface ReadRequest {
  readonly query: ReadingQuery
  readonly filter: CursorFilter
  readonly seriesId: SeriesId | undefined
  readonly nowMs: number
}

/** One page of readings as they came, ascending. A series that does not exist (yet) has none. */
export async function readRaw(
  readings: ReadingQueries,
  { query, filter, seriesId, nowMs }: ReadRequest,
): Promise<{ items: RawReading[]; nextCursor: string | null }> {
  const limit = query.limit ?? defaultLimit
  const start = [query.from ?? 0, query.to ?? nowMs + aheadMs] as const
  const [fromMs, toMs] = query.cursor === undefined ? start : decodeCursor(query.cursor, filter, rangePlace)
  if (fromMs >= toMs) throw badParameter('from', 'must be before to')
  if (seriesId === undefined) return { items: [], nextCursor: null }
  const columns = await readings.range({ seriesId, fromMs, toMs, limit: limit + 1 })
  const format = createTimeFormat()
  const count = Math.min(limit, columns.timesMs.length)
  const items = Array.from({ length: count }, (_, i) => rawReading(format, columns, i))
  const beyond = columns.timesMs[limit]
  return { items, nextCursor: beyond === undefined ? null : encodeCursor(filter, [beyond, toMs]) }
}

/** Reading `i` of the columns. */
export function rawReading(
  format: (timeMs: number) => string,
  { timesMs, values, quality }: RawColumns,
  i: number,
): RawReading {
  return {
    time: format(timesMs[i] ?? Number.NaN),
    value: values[i] ?? Number.NaN,
    quality: qualityNames[quality[i] ?? 0] ?? 'good',
  }
}
