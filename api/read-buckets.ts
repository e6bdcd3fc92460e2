import type { BucketColumns } from '../store/readings/index.ts'
import { type BucketSize, nominalMs } from './bucket-size.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { defaultLimit, maxLimit, rangePlace } from './paging.ts'
import type { ReadingQueries } from './ports.ts'
import { badParameter } from './problem.ts'
import type { ReadRequest } from './read-raw.ts'
import type { BucketFunction } from './reading-query.ts'
import { createTimeFormat } from './time.ts'

export interface BucketReading {
  from: string
  to: string
  /** Of the first function asked for. Null: a sum beyond what a number can be. */
  value: number | null
  count: number
  /** Of each, where there is more than one. */
  values?: Partial<Record<BucketFunction, number | null>>
}

/** Bucket `i` of the columns. */
export function bucketReading(
  format: (timeMs: number) => string,
  columns: BucketColumns,
  i: number,
  [fromMs, toMs]: readonly [number, number],
  functions: readonly BucketFunction[],
): BucketReading {
  const [first = 'avg'] = functions
  return {
    from: format(fromMs),
    to: format(toMs),
    value: numberOrNull(columns[first][i]),
    count: columns.count[i] ?? 0,
    ...(functions.length > 1 && {
      values: Object.fromEntries(functions.map((name) => [name, numberOrNull(columns[name][i])])),
    }),
  }
}

export function numberOrNull(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null
}

export interface BucketRequest extends ReadRequest {
  readonly size: BucketSize
  readonly timeZone: string
}

/** One page of buckets, ascending; those without readings are left out. */
export async function readBuckets(
  readings: ReadingQueries,
  { query, filter, seriesId, nowMs, size, timeZone }: BucketRequest,
): Promise<{ items: BucketReading[]; nextCursor: string | null }> {
  // Needed here only, and some 20 ms of the start.
  const { bucketEdges, bucketEnd, bucketStart } = await import('./bucket-edges.ts')
  const { limit = defaultLimit, fn = ['avg'], cursor } = query
  const [fromMs, toMs] = cursor === undefined ? firstRange() : decodeCursor(cursor, filter, rangePlace)
  if (fromMs >= toMs) throw badParameter('from', 'must be before to')
  if (seriesId === undefined) return { items: [], nextCursor: null }

  const items: BucketReading[] = []
  const format = createTimeFormat()
  let restMs = fromMs
  while (items.length === 0 && restMs < toMs) {
    const edgesMs = bucketEdges(size, timeZone, { fromMs: restMs, toMs }, maxLimit + 1)
    const columns = await readings.buckets({ seriesId, edgesMs })
    restMs = edgesMs.at(-1) ?? toMs
    for (const [i, count] of columns.count.entries()) {
      if (count === 0) continue
      const startMs = edgesMs[i] ?? fromMs
      if (items.length === limit) {
        restMs = startMs
        break
      }
      items.push(bucketReading(format, columns, i, [startMs, edgesMs[i + 1] ?? toMs], fn))
    }
    if (items.length === 0) restMs = await afterSilence(seriesId, restMs)
  }
  return { items, nextCursor: restMs < toMs ? encodeCursor(filter, [restMs, toMs]) : null }

  function firstRange(): readonly [number, number] {
    const toMs = query.to ?? bucketEnd(size, timeZone, nowMs)
    return [query.from ?? Math.max(0, toMs - limit * nominalMs(size)), toMs]
  }

  /** Where the next bucket that holds anything begins: nobody should walk through years of empty seconds. */
  async function afterSilence(seriesId: number, restMs: number): Promise<number> {
    if (restMs >= toMs) return toMs
    const { timesMs } = await readings.range({ seriesId, fromMs: restMs, toMs, limit: 1 })
    const [nextMs] = timesMs
    return nextMs === undefined ? toMs : Math.max(restMs, bucketStart(size, timeZone, nextMs))
  }
}
