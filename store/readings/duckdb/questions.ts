import { checkEdges, wholeMs } from '../columns.ts'
import type { BucketColumns, BucketQuery, RangeQuery, ReadingColumns } from '../reading-store.ts'
import { answerBuckets, type RolledView } from './bucket-answers.ts'
import type { BucketQuestion } from './bucket-asks.ts'
import { answerRanges, type RangeQuestion } from './range-queries.ts'
import type { ReaderPool } from './reader-pool.ts'
import type { Slot } from './tables.ts'
import { createTogether } from './together.ts'

/**
 * What is asked of single series. Metrics of a device lie in the same rows, those of the same profile in the same table, and a
 * statement costs what it scans: questions that come together, or wait for a reader at the same time, are answered by one
 * where they can be.
 */
export interface Questions {
  range(slot: Slot, query: RangeQuery): Promise<ReadingColumns>
  buckets(slot: Slot, query: BucketQuery): Promise<BucketColumns>
}

const mostBuckets = 64
/** Fewer, for each may have as many readings as its limit. */
const mostRanges = 16

export function createQuestions(readers: ReaderPool, view: RolledView): Questions {
  const ranges = createTogether<RangeQuestion, ReadingColumns>({
    most: mostRanges,
    likeness: ({ slot, fromMs, limit }) => `${slot.table.index} ${fromMs} ${limit}`,
    answer: (begin) => readers.use((session) => answerRanges(session, begin())),
  })
  const buckets = createTogether<BucketQuestion, BucketColumns>({
    most: mostBuckets,
    // Of several lengths they are better answered beside each other.
    likeness: ({ slot, edgesMs }) => `${slot.table.index} ${(edgesMs[1] ?? 0) - (edgesMs[0] ?? 0)}`,
    answer: (begin) => readers.use((session) => answerBuckets(session, begin(), view)),
  })
  return {
    // What is wrong with one must not be wrong with all.
    range: async (slot, query) => {
      const limit = Math.min(Math.floor(query.limit), Number.MAX_SAFE_INTEGER)
      return ranges.ask({ slot, fromMs: wholeMs(query.fromMs), toMs: wholeMs(query.toMs), limit })
    },
    buckets: async (slot, { edgesMs }) => buckets.ask({ slot, edgesMs: checkEdges(edgesMs) }),
  }
}
