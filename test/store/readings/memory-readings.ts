import { AppError, type ReadingBatch, type SeriesId } from '../../../model/index.ts'
import type { LogPosition } from '../../../store/log/index.ts'
import type {
  BucketColumns,
  RangeQuery,
  ReadingColumns,
  ReadingStore,
  SeriesCatalog,
} from '../../../store/readings/index.ts'

const dayMs = 86_400_000

/** The log that stores under test are made from. */
export const testLogId = '00000000-0000-4000-8000-000000000000'

interface StoredReading {
  readonly value: number
  readonly quality: number
}

/** A ReadingStore in plain maps: forgetful, unhurried and easy to see through. */
export function createMemoryReadings(catalog: Pick<SeriesCatalog, 'get'>): ReadingStore {
  const series = new Map<SeriesId, Map<number, StoredReading>>()
  const newestMs = new Map<SeriesId, number>()
  /** When the last message of a device with a time was received. */
  const received = new Map<string, number>()
  let position: LogPosition = 0
  let highestDevice = 0
  let highestSeries: SeriesId = 0
  let lateRows = 0
  let closed = false

  function check(): void {
    if (closed) throw new AppError('closed', 'use readings failed: the store is closed')
  }

  function rowKey(seriesId: SeriesId, timeMs: number): string {
    return `${catalog.get(seriesId)?.deviceNumber} ${timeMs}`
  }

  function ascending(query: RangeQuery): [number, StoredReading][] {
    return [...(series.get(query.seriesId) ?? [])]
      .filter(([timeMs]) => timeMs >= query.fromMs && timeMs < query.toMs)
      .sort(([a], [b]) => a - b)
      .slice(0, query.limit)
  }

  function columns(readings: readonly (readonly [SeriesId, number, StoredReading] | undefined)[]): ReadingColumns {
    return {
      timesMs: Float64Array.from(readings, (reading) => reading?.[1] ?? Number.NaN),
      values: Float64Array.from(readings, (reading) => reading?.[2].value ?? Number.NaN),
      quality: Uint8Array.from(readings, (reading) => reading?.[2].quality ?? 0),
      receivedMs: Float64Array.from(readings, (reading) =>
        reading === undefined ? Number.NaN : (received.get(rowKey(reading[0], reading[1])) ?? Number.NaN),
      ),
    }
  }

  function write(batch: ReadingBatch): void {
    for (let i = 0; i < batch.length; i++)
      if (catalog.get(batch.seriesIds[i] ?? 0) === undefined)
        throw new AppError('invalid_input', `store reading of series ${batch.seriesIds[i]} failed: no such series`)
    for (let i = 0; i < batch.length; i++) {
      const seriesId = batch.seriesIds[i] ?? 0
      highestSeries = Math.max(highestSeries, seriesId)
      highestDevice = Math.max(highestDevice, catalog.get(seriesId)?.deviceNumber ?? 0)
      const timeMs = Math.floor(batch.timesMs[i] ?? 0)
      const readings = series.get(seriesId) ?? new Map<number, StoredReading>()
      series.set(seriesId, readings)
      const newest = newestMs.get(seriesId) ?? Number.NEGATIVE_INFINITY
      if (timeMs <= newest) lateRows++
      else newestMs.set(seriesId, timeMs)
      readings.set(timeMs, { value: batch.values[i] ?? 0, quality: batch.quality[i] ?? 0 })
      received.set(rowKey(seriesId, timeMs), batch.receivedMs[i] ?? 0)
    }
  }

  return {
    remote: false,
    open: async () => {
      check()
      const newestThenMs = new Map(newestMs)
      return {
        position,
        logId: position === 0 ? undefined : testLogId,
        highestDevice,
        highestSeries,
        emptyFromMs: (seriesId) => (newestThenMs.get(seriesId) ?? Number.NEGATIVE_INFINITY) + 1,
      }
    },
    write: async (batch, after) => {
      check()
      write(batch)
      position = after
      return { refused: [] }
    },
    range: async (query) => {
      check()
      return columns(ascending(query).map(([timeMs, reading]) => [query.seriesId, timeMs, reading]))
    },
    buckets: async ({ seriesId, edgesMs }) => {
      check()
      if (edgesMs.length < 2 || edgesMs.some((edge, i) => i > 0 && edge <= (edgesMs[i - 1] ?? 0)))
        throw new AppError('invalid_input', 'aggregate readings failed: edges must ascend')
      const slices = Array.from({ length: edgesMs.length - 1 }, (_, i) => {
        const [fromMs = 0, toMs = 0] = edgesMs.subarray(i, i + 2)
        return ascending({ seriesId, fromMs, toMs, limit: Number.MAX_SAFE_INTEGER }).map(([, { value }]) => value)
      })
      return aggregate(slices)
    },
    latest: async (seriesIds) => {
      check()
      return columns(
        Array.from(seriesIds, (seriesId) => {
          const newest = [...(series.get(seriesId) ?? [])].sort(([a], [b]) => b - a)[0]
          return newest === undefined ? undefined : [seriesId, ...newest]
        }),
      )
    },
    expire: async (beforeMs) => {
      check()
      const dayStartMs = Math.floor(beforeMs / dayMs) * dayMs
      for (const readings of series.values())
        for (const timeMs of [...readings.keys()]) if (timeMs < dayStartMs) readings.delete(timeMs)
    },
    stats: async () => {
      check()
      const readings = [...series.values()].reduce((sum, { size }) => sum + size, 0)
      return { readings, rows: readings, bytes: readings * 16, lateRows }
    },
    close: async () => {
      closed = true
    },
  }
}

function aggregate(slices: readonly (readonly number[])[]): BucketColumns {
  const column = (of: (values: readonly number[]) => number) =>
    Float64Array.from(slices, (values) => (values.length === 0 ? Number.NaN : of(values)))
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return {
    count: Float64Array.from(slices, (values) => values.length),
    // Halved often enough, the largest values add up.
    avg: column((values) => (sum(values.map((value) => value / 2 ** 40)) / values.length) * 2 ** 40),
    min: column((values) => Math.min(...values)),
    max: column((values) => Math.max(...values)),
    sum: column(sum),
    first: column((values) => values[0] ?? Number.NaN),
    last: column((values) => values.at(-1) ?? Number.NaN),
  }
}
