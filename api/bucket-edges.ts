import { Temporal } from 'temporal-polyfill'
import { type BucketSize, nominalMs } from './bucket-size.ts'

/** Half-open [fromMs, toMs), epoch ms. */
export interface TimeRange {
  readonly fromMs: number
  readonly toMs: number
}

const dayMs = 86_400_000

/**
 * The edges of the buckets that `range` touches, ascending: its own two ends, and between them every place where the
 * local calendar of `timeZone` begins a bucket. So the first and the last bucket may be cut, and nothing outside the
 * range is ever counted. At most `maxEdges`; fewer than all of them end before `range.toMs`.
 *
 * Buckets of a day and longer begin at the local start of a day: counted from 1970-01-01 (days), from a Monday (weeks),
 * from January (months, years). Shorter ones begin where the wall clock shows a multiple of their length since
 * midnight. On a day on which the clock changes an hour that comes twice gives two buckets of an hour, and one that is
 * left out gives none.
 */
export function bucketEdges(size: BucketSize, timeZone: string, range: TimeRange, maxEdges: number): Float64Array {
  const edges: number[] = [range.fromMs]
  for (const startMs of bucketStarts(size, timeZone, range)) {
    if (startMs >= range.toMs || edges.length >= maxEdges) break
    if (startMs > range.fromMs) edges.push(startMs)
  }
  if (edges.length < maxEdges) edges.push(range.toMs)
  return Float64Array.from(edges)
}

/** Where the bucket that holds `timeMs` ends. */
export function bucketEnd(size: BucketSize, timeZone: string, timeMs: number): number {
  for (const startMs of bucketStarts(size, timeZone, { fromMs: timeMs, toMs: Number.POSITIVE_INFINITY }))
    if (startMs > timeMs) return startMs
  return timeMs
}

/** Where the bucket that holds `timeMs` begins. */
export function bucketStart(size: BucketSize, timeZone: string, timeMs: number): number {
  let last = timeMs
  for (const startMs of bucketStarts(size, timeZone, { fromMs: timeMs, toMs: Number.POSITIVE_INFINITY })) {
    if (startMs > timeMs) return last
    last = startMs
  }
  return last
}

function bucketStarts(size: BucketSize, timeZone: string, range: TimeRange): Generator<number> {
  const isSubDay = size.unit === 'second' || size.unit === 'minute' || size.unit === 'hour'
  return isSubDay ? subDayStarts(nominalMs(size), timeZone, range) : calendarStarts(size, timeZone, range)
}

function localDate(timeMs: number, timeZone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(timeMs).toZonedDateTimeISO(timeZone).toPlainDate()
}

function* calendarStarts(size: BucketSize, timeZone: string, range: TimeRange): Generator<number> {
  let date = alignDate(size, localDate(range.fromMs, timeZone))
  for (;;) {
    yield date.toZonedDateTime(timeZone).epochMilliseconds
    date = addSize(size, date)
  }
}

/** The first day of the bucket that holds the day. */
function alignDate({ count, unit }: BucketSize, date: Temporal.PlainDate): Temporal.PlainDate {
  const sinceDays = (origin: string) => Temporal.PlainDate.from(origin).until(date, { largestUnit: 'days' }).days
  switch (unit) {
    case 'week':
      // A Monday.
      return date.subtract({ days: modulo(sinceDays('1969-12-29'), count * 7) })
    case 'month': {
      const months = date.year * 12 + date.month - 1
      return date.with({ day: 1 }).subtract({ months: modulo(months, count) })
    }
    case 'year':
      return date.with({ day: 1, month: 1 }).subtract({ years: modulo(date.year, count) })
    default:
      return date.subtract({ days: modulo(sinceDays('1970-01-01'), count) })
  }
}

function addSize({ count, unit }: BucketSize, date: Temporal.PlainDate): Temporal.PlainDate {
  switch (unit) {
    case 'week':
      return date.add({ weeks: count })
    case 'month':
      return date.add({ months: count })
    case 'year':
      return date.add({ years: count })
    default:
      return date.add({ days: count })
  }
}

function* subDayStarts(stepMs: number, timeZone: string, range: TimeRange): Generator<number> {
  let day = localDate(range.fromMs, timeZone)
  for (;;) {
    const next = day.add({ days: 1 })
    const start = day.toZonedDateTime(timeZone)
    const endMs = next.toZonedDateTime(timeZone).epochMilliseconds
    yield start.epochMilliseconds
    for (const piece of constantOffsetPieces(start, endMs)) yield* wallMultiples(piece, stepMs, start.epochMilliseconds)
    day = next
  }
}

interface Piece extends TimeRange {
  readonly offsetMs: number
}

/** The day cut where the zone's offset changes. */
function* constantOffsetPieces(start: Temporal.ZonedDateTime, endMs: number): Generator<Piece> {
  let from = start
  for (;;) {
    const change = from.getTimeZoneTransition('next')
    const toMs = change === null ? endMs : Math.min(change.epochMilliseconds, endMs)
    yield { fromMs: from.epochMilliseconds, toMs, offsetMs: from.offsetNanoseconds / 1e6 }
    if (change === null || change.epochMilliseconds >= endMs) return
    from = change
  }
}

/** Instants of the piece, after `afterMs`, at which the wall clock shows a multiple of `stepMs` since midnight. */
function* wallMultiples({ fromMs, toMs, offsetMs }: Piece, stepMs: number, afterMs: number): Generator<number> {
  const wallMs = modulo(fromMs + offsetMs, dayMs)
  const firstMs = fromMs + (Math.ceil(wallMs / stepMs) * stepMs - wallMs)
  for (let timeMs = firstMs; timeMs < toMs; timeMs += stepMs) if (timeMs > afterMs) yield timeMs
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by
}
