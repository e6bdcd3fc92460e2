import type { SeriesId } from '../model/index.ts'
import type { Cache } from '../store/cache/index.ts'
import type { BucketColumns } from '../store/readings/index.ts'
import { createBucketReader } from './bucket-reader.ts'
import { formatBucketSize } from './bucket-size.ts'
import { createFewGuesses, type Few } from './few-guesses.ts'
import type { Lasting } from './lasting.ts'
import type { ReadingQueries } from './ports.ts'
import { createRawReader, maxKeptReadings, type RawColumns } from './raw-reader.ts'
import type { SizedWindow } from './series-windows.ts'

export type SeriesRead =
  | { readonly kind: 'raw'; readonly columns: RawColumns; readonly lasting?: readonly Lasting[] | undefined }
  /** Buckets without readings are there, with a count of 0. */
  | {
      readonly kind: 'buckets'
      readonly bucket: string
      readonly edgesMs: Float64Array
      readonly columns: BucketColumns
      readonly lasting?: readonly Lasting[] | undefined
    }
  /** Nothing to read; `bucket` is what it would have been. */
  | { readonly kind: 'none'; readonly bucket: string | null }

interface WindowRead {
  readonly reads: ReadonlyMap<SeriesId, SeriesRead>
  /** Whether nothing had to be read but what has come since it was kept. */
  readonly hit: boolean
}

/** Series in one window, as they are now; undefined: by buckets in any case. */
export type ReadWindow = (
  seriesIds: readonly SeriesId[],
  window: SizedWindow,
  few: Few | undefined,
) => Promise<WindowRead>

export interface WindowReaderDeps {
  readonly readings: Pick<ReadingQueries, 'range' | 'marked' | 'markedRanges'>
  readonly cache: Cache
}

const nothingRead: WindowRead = { reads: new Map(), hit: true }

export function createWindowReader({ readings, cache }: WindowReaderDeps): ReadWindow {
  const readBucketsOf = createBucketReader({ readings, cache })
  const readRawOf = createRawReader({ readings, cache })
  const guesses = createFewGuesses()

  async function readBuckets(seriesIds: readonly SeriesId[], { size, window }: SizedWindow) {
    const reads = new Map<SeriesId, SeriesRead>()
    const held = new Map<SeriesId, () => number>()
    if (seriesIds.length === 0) return { reads, held, hit: true }
    const bucket = formatBucketSize(size)
    const { columns, readings, lasting, hit } = await readBucketsOf(seriesIds, window)
    for (const [i, seriesId] of seriesIds.entries()) {
      const ofSeries = columns[i]
      if (ofSeries?.count.some((count) => count > 0))
        reads.set(seriesId, {
          kind: 'buckets',
          bucket,
          edgesMs: window.edgesMs,
          columns: ofSeries,
          lasting: lasting[i],
        })
      else reads.set(seriesId, { kind: 'none', bucket })
      held.set(seriesId, () => readings(i))
    }
    return { reads, held, hit }
  }

  /** Those whose readings are few, of series whose chunks hardly hold more than `maxKeptReadings`. */
  async function readKept(seriesIds: readonly SeriesId[], { window }: SizedWindow, { range, most }: Few) {
    if (seriesIds.length === 0 || window.chunks === undefined) return nothingRead
    const { columns, lasting, hit } = await readRawOf(seriesIds, window.chunks, range)
    const reads = new Map<SeriesId, SeriesRead>()
    for (const [i, seriesId] of seriesIds.entries()) {
      const ofSeries = columns[i]
      if (ofSeries === undefined) continue
      const { timesMs } = ofSeries
      if (timesMs.length <= most) reads.set(seriesId, { kind: 'raw', columns: ofSeries, lasting: lasting[i] })
      guesses.note(seriesId, window, { timesMs, most, isKept: lasting[i] !== undefined })
    }
    return { reads, hit }
  }

  /** The same of others: they are read each time. */
  async function readEach(seriesIds: readonly SeriesId[], { window }: SizedWindow, { range, most }: Few) {
    const reads = new Map<SeriesId, SeriesRead>()
    await Promise.all(
      seriesIds.map(async (seriesId) => {
        const columns = await readings.range({ seriesId, ...range, limit: most + 1 })
        const { timesMs } = columns
        if (timesMs.length <= most) reads.set(seriesId, { kind: 'raw', columns })
        guesses.note(seriesId, window, { timesMs, most, isKept: false })
      }),
    )
    return { reads, hit: seriesIds.length === 0 }
  }

  return async (seriesIds, sized, few) => {
    if (few === undefined) return readBuckets(seriesIds, sized)
    const { window } = sized
    const [guessed, others] = divided(seriesIds, (seriesId) => guesses.wereFew(seriesId, window))
    const [right, buckets] = await Promise.all([readKept(guessed, sized, few), readBuckets(others, sized)])
    const again = await readBuckets(guessed.filter(hasNothing(right.reads)), sized)
    const summed = new Map([...buckets.reads, ...again.reads])
    const held = new Map([...buckets.held, ...again.held])
    const maybeFew = [...summed].flatMap(([seriesId, read]) =>
      isMaybeFew(read, few) && !(sumOf(read) > few.most && guesses.areMany(seriesId, window, few)) ? seriesId : [],
    )
    const [keepable, large] = divided(
      maybeFew,
      (seriesId) =>
        window.chunks !== undefined && (held.get(seriesId)?.() ?? Number.POSITIVE_INFINITY) <= maxKeptReadings,
    )
    const [kept, each] = await Promise.all([readKept(keepable, sized, few), readEach(large, sized, few)])
    return {
      reads: new Map([...right.reads, ...summed, ...kept.reads, ...each.reads]),
      hit: [right, buckets, again, kept, each].every(({ hit }) => hit),
    }
  }
}

function divided<Item>(items: readonly Item[], isFirst: (item: Item) => boolean): [Item[], Item[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))]
}

/** Where there is no reading in the range, the buckets tell whether they hold one beside it. */
function hasNothing(reads: WindowRead['reads']): (seriesId: SeriesId) => boolean {
  return (seriesId) => {
    const read = reads.get(seriesId)
    return read?.kind !== 'raw' || read.columns.timesMs.length === 0
  }
}

/** The first and the last bucket may hold more than the range does. */
function isMaybeFew(read: SeriesRead, { most }: Few): boolean {
  return read.kind === 'buckets' && total(read.columns.count.subarray(1, -1)) <= most
}

function sumOf(read: SeriesRead): number {
  return read.kind === 'buckets' ? total(read.columns.count) : 0
}

function total(counts: Float64Array): number {
  let sum = 0
  for (let i = 0; i < counts.length; i++) sum += counts[i] ?? 0
  return sum
}
