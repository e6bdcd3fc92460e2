import type { BucketColumns, MarkedStore, ReadingColumns, SeriesMarks } from '../store/readings/index.ts'

/**
 * `marked` and `markedRanges` between threads. An array takes 4 µs to go to another thread, however short it is, and what charts ask for
 * is short: so all numbers of a question, and all of an answer, go as one array.
 */
export interface PackedMarks {
  /** Of each query its series, how many edges, and these. */
  packedBuckets(queries: Float64Array): Promise<PackedAnswer>
  /** Of each query its series, begin, end and limit. */
  packedRanges(queries: Float64Array): Promise<PackedAnswer>
}

export interface PackedAnswer {
  readonly epoch: string
  /** Of each query its version, its newest time, how long its columns are, and these, one after another. */
  readonly numbers: Float64Array
}

type Marked = Pick<MarkedStore, 'marked' | 'markedRanges'>

/** In the order in which they are packed. */
const bucketNames = ['count', 'avg', 'min', 'max', 'sum', 'first', 'last'] as const satisfies (keyof BucketColumns)[]
const readingNames = ['timesMs', 'values', 'quality', 'receivedMs'] as const satisfies (keyof ReadingColumns)[]
const headLength = 3

/** At the store's end. */
export function packMarks(store: Marked): PackedMarks {
  return {
    async packedBuckets(numbers) {
      const queries: { seriesId: number; edgesMs: Float64Array }[] = []
      for (let at = 0; at < numbers.length; ) {
        const [seriesId = 0, length = 0] = numbers.subarray(at, at + 2)
        at += 2
        queries.push({ seriesId, edgesMs: numbers.slice(at, at + length) })
        at += length
      }
      const { buckets, ...marks } = await store.marked(queries)
      return pack(
        marks,
        buckets.map((columns) => bucketNames.map((name) => columns[name])),
      )
    },
    async packedRanges(numbers) {
      const queries = Array.from({ length: numbers.length / 4 }, (_, i) => {
        const [seriesId = 0, fromMs = 0, toMs = 0, limit = 0] = numbers.subarray(i * 4, i * 4 + 4)
        return { seriesId, fromMs, toMs, limit }
      })
      const { readings, ...marks } = await store.markedRanges(queries)
      return pack(
        marks,
        readings.map((columns) => readingNames.map((name) => columns[name])),
      )
    },
  }
}

/** At the end of those who ask. */
export function unpackMarks(packed: PackedMarks): Marked {
  return {
    async marked(queries) {
      const length = queries.reduce((sum, { edgesMs }) => sum + 2 + edgesMs.length, 0)
      const numbers = new Float64Array(length)
      let at = 0
      for (const { seriesId, edgesMs } of queries) {
        numbers.set([seriesId, edgesMs.length], at)
        numbers.set(edgesMs, at + 2)
        at += 2 + edgesMs.length
      }
      const { marks, columns } = unpack(await packed.packedBuckets(numbers), queries.length, bucketNames.length)
      return { ...marks, buckets: columns.map(toBuckets) }
    },
    async markedRanges(queries) {
      const numbers = Float64Array.from(
        queries.flatMap((query) => [query.seriesId, query.fromMs, query.toMs, query.limit]),
      )
      const { marks, columns } = unpack(await packed.packedRanges(numbers), queries.length, readingNames.length)
      return { ...marks, readings: columns.map(toReadings) }
    },
  }
}

function pack(
  { epoch, versions, newestMs }: SeriesMarks,
  ofQueries: readonly (readonly ArrayLike<number>[])[],
): PackedAnswer {
  const lengthOf = (columns: readonly ArrayLike<number>[]) => columns.length * (columns[0]?.length ?? 0)
  const numbers = new Float64Array(ofQueries.reduce((sum, columns) => sum + headLength + lengthOf(columns), 0))
  let at = 0
  for (const [i, columns] of ofQueries.entries()) {
    const length = columns[0]?.length ?? 0
    numbers.set([versions[i] ?? Number.NaN, newestMs[i] ?? Number.NaN, length], at)
    at += headLength
    for (const column of columns) {
      numbers.set(column, at)
      at += length
    }
  }
  return { epoch, numbers }
}

/** The columns are views of the numbers. */
function unpack({ epoch, numbers }: PackedAnswer, queries: number, count: number) {
  const versions = new Float64Array(queries)
  const newestMs = new Float64Array(queries)
  const columns: Float64Array[][] = []
  let at = 0
  for (let i = 0; i < queries; i++) {
    versions[i] = numbers[at] ?? Number.NaN
    newestMs[i] = numbers[at + 1] ?? Number.NaN
    const length = numbers[at + 2] ?? 0
    at += headLength
    columns.push(Array.from({ length: count }, (_, c) => numbers.subarray(at + c * length, at + (c + 1) * length)))
    at += count * length
  }
  return { marks: { epoch, versions, newestMs }, columns }
}

const none = new Float64Array(0)

function toBuckets([
  count = none,
  avg = none,
  min = none,
  max = none,
  sum = none,
  first = none,
  last = none,
]: readonly Float64Array[]): BucketColumns {
  return { count, avg, min, max, sum, first, last }
}

function toReadings([
  timesMs = none,
  values = none,
  quality = none,
  receivedMs = none,
]: readonly Float64Array[]): ReadingColumns {
  return { timesMs, values, quality: new Uint8Array(quality), receivedMs }
}
