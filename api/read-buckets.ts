import { z } from '@hono/zod-openapi'
import type { BucketColumns } from '../store/readings/index.ts'
import { type BucketSize, nominalMs } from './bucket-size.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { defaultLimit, maxLimit } from './paging.ts'
import type { ReadingQueries } from './ports.ts'
import { badParameter } from './problem.ts'
import type { ReadRequest } from './read-raw.ts'
import { formatTime } from './time.ts'

const place = z.tuple([z.number(), z.number()])

export interface BucketReading {
  from: string
  to: string
  value: number
  count: number
}

export interface BucketRequest extends ReadRequest {
  readonly size: BucketSize
  readonly timeZone: string
}

/**
 * One page of buckets, ascending, those without readings left out. A page looks at 10,000 buckets at most, so one over a
 * long silence may hold few or none and yet have a next.
 */
export async function readBuckets(
  readings: ReadingQueries,
  { query, filter, seriesId, nowMs, size, timeZone }: BucketRequest,
): Promise<{ items: BucketReading[]; nextCursor: string | null }> {
  // Needed here only, and some 20 ms of the start.
  const { bucketEdges, bucketEnd } = await import('./bucket-edges.ts')
  const limit = query.limit ?? defaultLimit
  const fn = query.fn ?? 'avg'
  const [fromMs, toMs] = query.cursor === undefined ? firstRange() : decodeCursor(query.cursor, filter, place)
  if (fromMs >= toMs) throw badParameter('from', 'must be before to')
  if (seriesId === undefined) return { items: [], nextCursor: null }

  const edgesMs = bucketEdges(size, timeZone, { fromMs, toMs }, maxLimit + 1)
  const columns: BucketColumns = await readings.buckets({ seriesId, edgesMs })
  const items: BucketReading[] = []
  let restMs = edgesMs.at(-1) ?? toMs
  for (const [i, count] of columns.count.entries()) {
    if (count === 0) continue
    const startMs = edgesMs[i] ?? fromMs
    if (items.length === limit) {
      restMs = startMs
      break
    }
    const value = columns[fn][i] ?? Number.NaN
    items.push({ from: formatTime(startMs), to: formatTime(edgesMs[i + 1] ?? toMs), value, count })
  }
  return { items, nextCursor: restMs < toMs ? encodeCursor(filter, [restMs, toMs]) : null }

  function firstRange(): readonly [number, number] {
    const toMs = query.to ?? bucketEnd(size, timeZone, nowMs)
    return [query.from ?? Math.max(0, toMs - limit * nominalMs(size)), toMs]
  }
}
