import { setImmediate as nextTurn } from 'node:timers/promises'
import { qualityNames, type SeriesId } from '../model/index.ts'
import type { ReadingColumns } from '../store/readings/index.ts'
import type { TimeRange } from './bucket-edges.ts'
import { csvLine } from './csv.ts'
import { withDeadline } from './deadline.ts'
import type { ReadingQueries } from './ports.ts'
import type { BucketReading } from './read-buckets.ts'
import type { BucketFunction } from './reading-query.ts'
import type { SeriesReadings } from './series-query.ts'
import { createTimeFormat } from './time.ts'

/** What is held of an export at a time; some 2 ms of the thread that answers everybody. */
const rowsPerChunk = 5_000
const shortestSpanMs = 1_000
const firstSpanMs = 3_600_000

export interface LongRead {
  readonly readings: Pick<ReadingQueries, 'range'>
  /** For each chunk: an export may go on for hours, but not stand still. */
  readonly chunkTimeoutMs: number
}

/** All readings of the range, ascending, a chunk at a time. */
export async function* readingChunks(
  { readings, chunkTimeoutMs }: LongRead,
  seriesId: SeriesId,
  { fromMs, toMs }: TimeRange,
): AsyncGenerator<ReadingColumns> {
  let restMs = fromMs
  // The store goes through all that it is asked for, so it is asked for about as much as a chunk holds.
  let spanMs = firstSpanMs
  while (restMs < toMs) {
    const untilMs = Math.min(toMs, restMs + spanMs)
    const asked = readings.range({ seriesId, fromMs: restMs, toMs: untilMs, limit: rowsPerChunk })
    const columns = await withDeadline('a chunk of an export', chunkTimeoutMs, asked)
    const count = columns.timesMs.length
    if (count > 0) yield columns
    const lastMs = columns.timesMs[count - 1]
    if (count === rowsPerChunk && lastMs !== undefined) {
      spanMs = Math.max(shortestSpanMs, (lastMs - restMs) * 2)
      restMs = lastMs + 1
    } else {
      restMs = untilMs
      if (count < rowsPerChunk / 4) spanMs *= 4
    }
    await nextTurn()
  }
}

/** Lines of `readingChunks`, each behind `before`: text that is safe in a cell. */
export function rawLines({ timesMs, values, quality }: ReadingColumns, before: string): string {
  const format = createTimeFormat()
  let text = ''
  for (let i = 0; i < timesMs.length; i++)
    text += `${before}${format(timesMs[i] ?? 0)},${values[i]},${qualityNames[quality[i] ?? 0] ?? 'good'}\r\n`
  return text
}

/** The beginnings of the lines of a series. */
export function seriesCells(device: string, metric: string): string {
  return `${csvLine([device, metric]).trimEnd()},`
}

const rawHead = ['time', 'value', 'quality']

async function* linesOf(source: LongRead, seriesId: SeriesId | undefined, range: TimeRange, before: string) {
  if (seriesId === undefined) return
  for await (const columns of readingChunks(source, seriesId, range)) yield rawLines(columns, before)
}

/** The names come with the first lines: a store that fails at once is a problem of its own, and no file that broke off. */
async function* headed(names: readonly string[], lines: AsyncIterable<string>): AsyncGenerator<string> {
  let before = csvHead(names)
  for await (const text of lines) {
    yield before + text
    before = ''
  }
  if (before !== '') yield before
}

/** Of one series as it came. */
export async function* rawCsv(
  source: LongRead,
  seriesId: SeriesId | undefined,
  range: TimeRange,
): AsyncGenerator<string> {
  yield* headed(rawHead, linesOf(source, seriesId, range, ''))
}

/** Buckets of one series, page by page. */
export async function* bucketCsv(
  pages: AsyncIterable<readonly BucketReading[]>,
  functions: readonly BucketFunction[],
): AsyncGenerator<string> {
  const names = ['from', 'to', 'count', ...functions.filter((name) => name !== 'count')]
  yield* headed(names, bucketLines(pages, functions))
}

async function* bucketLines(pages: AsyncIterable<readonly BucketReading[]>, functions: readonly BucketFunction[]) {
  for await (const items of pages) yield items.map((item) => bucketLine(item, functions)).join('')
}

function bucketLine({ from, to, count, value, values }: BucketReading, functions: readonly BucketFunction[]): string {
  const cells = functions.filter((name) => name !== 'count').map((name) => (values ? values[name] : value) ?? '')
  return `${[from, to, count, ...cells].join()}\r\n`
}

export interface CsvSeries {
  readonly deviceId: string
  readonly metric: string
  readonly seriesId: SeriesId | undefined
}

/** Of several series as they came, one series after the other. */
export async function* seriesCsv(
  source: LongRead,
  series: readonly CsvSeries[],
  range: TimeRange,
): AsyncGenerator<string> {
  yield* headed(['device', 'metric', ...rawHead], linesOfAll(source, series, range))
}

async function* linesOfAll(source: LongRead, series: readonly CsvSeries[], range: TimeRange) {
  for (const { deviceId, metric, seriesId } of series)
    yield* linesOf(source, seriesId, range, seriesCells(deviceId, metric))
}

/** Of columns that are there already. */
export async function* columnsCsv(
  items: readonly SeriesReadings[],
  functions: readonly BucketFunction[],
): AsyncGenerator<string> {
  yield csvHead(['device', 'metric', 'bucket', 'time', ...functions])
  for (const { device, metric, bucket, times, values } of items) {
    const before = `${seriesCells(device, metric)}${bucket ?? ''},`
    const line = (time: string, i: number) =>
      `${before}${time},${functions.map((name) => values[name]?.[i] ?? '').join()}\r\n`
    for (let from = 0; from < times.length; from += rowsPerChunk)
      yield times
        .slice(from, from + rowsPerChunk)
        .map((time, i) => line(time, from + i))
        .join('')
  }
}

/** Our own words need no quotes. */
function csvHead(names: readonly string[]): string {
  return `${names.join()}\r\n`
}
