import { checkEdges, columnNames, emptyBuckets, emptyReadings } from '../columns.ts'
import type { BucketColumns, BucketQuery, RangeQuery, ReadingColumns } from '../reading-store.ts'
import { type RolledView, selectBuckets } from './bucket-queries.ts'
import { bucketRuns } from './bucket-runs.ts'
import { selectRanges } from './range-queries.ts'
import type { ReaderPool } from './reader-pool.ts'
import type { Session } from './session.ts'
import type { Slot } from './tables.ts'
import { createTogether } from './together.ts'

/**
 * What is asked of single metrics. Those of one device lie in the same rows, and a statement costs more than what it reads:
 * questions that come together, or wait for a reader at the same time, are answered by one where they can be.
 */
export interface Questions {
  range(slot: Slot, query: RangeQuery): Promise<ReadingColumns>
  buckets(slot: Slot, query: BucketQuery): Promise<BucketColumns>
}

type OfRange = Omit<RangeQuery, 'seriesId'> & { readonly slot: Slot }

interface OfBuckets {
  readonly slot: Slot
  readonly edgesMs: Float64Array
}

export function createQuestions(readers: ReaderPool, view: RolledView): Questions {
  const ranges = createTogether<OfRange, ReadingColumns>(
    ({ slot, fromMs, toMs, limit }) => `${slot.table.index} ${slot.key} ${fromMs} ${toMs} ${limit}`,
    (begin) => readers.use((session) => answerRanges(session, begin())),
  )
  const buckets = createTogether<OfBuckets, BucketColumns>(
    // Of several lengths they are better answered beside each other.
    ({ slot, edgesMs }) => `${slot.table.index} ${slot.key} ${(edgesMs[1] ?? 0) - (edgesMs[0] ?? 0)}`,
    (begin) => readers.use((session) => answerBuckets(session, begin(), view)),
  )
  return {
    range: (slot, { fromMs, toMs, limit }) => ranges.ask({ slot, fromMs, toMs, limit }),
    buckets: async (slot, { edgesMs }) => buckets.ask({ slot, edgesMs: checkEdges(edgesMs) }),
  }
}

async function answerRanges(session: Session, questions: readonly OfRange[]): Promise<readonly ReadingColumns[]> {
  const [first] = questions
  if (first === undefined) return []
  const columns = columnsOf(questions)
  const answers = await selectRanges(session, { ...first.slot, columns }, first)
  return questions.map(({ slot }) => copyOf(answers[columns.indexOf(slot.column)]))
}

async function answerBuckets(
  session: Session,
  questions: readonly OfBuckets[],
  view: RolledView,
): Promise<readonly BucketColumns[]> {
  const answers = questions.map(({ edgesMs }) => emptyBuckets(edgesMs.length - 1))
  for (const { edgesMs, parts } of bucketRuns(questions.map((question) => question.edgesMs))) {
    const asked = parts.flatMap(({ index }) => questions[index] ?? [])
    const [first] = asked
    if (first === undefined) continue
    const columns = columnsOf(asked)
    const all = await selectBuckets(session, { ...first.slot, columns, edgesMs }, view)
    for (const [p, { index, firstBucket }] of parts.entries())
      copyBuckets(all[columns.indexOf(asked[p]?.slot.column ?? -1)], firstBucket, answers[index])
  }
  return answers
}

function columnsOf(questions: readonly { readonly slot: Slot }[]): number[] {
  return [...new Set(questions.map(({ slot }) => slot.column))].sort((a, b) => a - b)
}

/** Each has its own: nobody shares what another may change, or send away with all that lies around it. */
function copyOf(readings: ReadingColumns | undefined): ReadingColumns {
  const { timesMs, values, quality, receivedMs } = readings ?? emptyReadings(0)
  return {
    timesMs: timesMs.slice(),
    values: values.slice(),
    quality: quality.slice(),
    receivedMs: receivedMs.slice(),
  }
}

function copyBuckets(from: BucketColumns | undefined, firstBucket: number, into: BucketColumns | undefined): void {
  if (from === undefined || into === undefined) return
  const end = firstBucket + into.count.length
  for (const name of columnNames) into[name].set(from[name].subarray(firstBucket, end))
}
