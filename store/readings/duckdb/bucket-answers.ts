import { columnNames, emptyBuckets } from '../columns.ts'
import type { BucketColumns } from '../reading-store.ts'
import { BucketSum, type Rolled } from '../rollups/index.ts'
import { type BucketAsk, type BucketPlan, type BucketQuestion, planBuckets } from './bucket-asks.ts'
import { type AskAnswer, selectAsk } from './bucket-queries.ts'
import { selectRolled } from './rolled-state.ts'
import type { Session } from './session.ts'
import { type ReadingTable, type RowKey, widestTable } from './tables.ts'
import { inTransaction } from './transaction.ts'

/** What the writer knows of rollups, as of the last commit. */
export interface RolledView {
  /** Even; odd while a change is under way that may make `rolledOf` wrong. */
  readonly moment: number
  rolledOf(row: RowKey): Rolled
}

/**
 * From rollups where there are any, and from the readings elsewhere; all questions are about one table. What rollups can
 * answer is known without asking, except while that changes: then it is read in one transaction with the rows.
 */
export async function answerBuckets(
  session: Session,
  questions: readonly BucketQuestion[],
  view: RolledView,
): Promise<readonly BucketColumns[]> {
  const table = widestTable(questions.map(({ slot }) => slot))
  if (table === undefined) return []
  const { moment } = view
  if (moment % 2 === 0) {
    const plan = planBuckets(questions, view.rolledOf)
    const answer = () => askAll(session, table, plan)
    // Rollups that are right do not change meanwhile, but a batch may show in one part of the rows and not in another.
    const answers = await (isSplit(plan) ? inTransaction(session, answer) : answer())
    if (view.moment === moment) return putTogether(plan, answers)
  }
  return inTransaction(session, async () => {
    const rolledOf = await selectRolled(session, table, [...new Set(questions.map(({ slot }) => slot.key))])
    const plan = planBuckets(questions, ({ key }) => rolledOf(key))
    return putTogether(plan, await askAll(session, table, plan))
  })
}

function isSplit({ runs }: BucketPlan): boolean {
  return runs.some(({ pieces }) => pieces.filter(({ ask }) => ask.kind === 'raw').length > 1)
}

async function askAll(session: Session, table: ReadingTable, { asks }: BucketPlan): Promise<Map<BucketAsk, AskAnswer>> {
  const answers = new Map<BucketAsk, AskAnswer>()
  for (const ask of asks) answers.set(ask, await selectAsk(session, table, ask))
  return answers
}

/** Each question has columns of its own: nobody shares what another may change, or send away with all that lies around it. */
function putTogether(
  { runs, questions }: BucketPlan,
  answers: ReadonlyMap<BucketAsk, AskAnswer>,
): readonly BucketColumns[] {
  const together = questions.map(({ edgesMs }) => emptyBuckets(edgesMs.length - 1))
  for (const { key, columns, buckets, pieces, parts } of runs)
    for (const column of columns) {
      const sum = new BucketSum(buckets)
      for (const { ask, firstBucket } of pieces) {
        const part = answers.get(ask)?.get(key)?.get(column)
        if (part !== undefined) sum.addAll(firstBucket, part)
      }
      for (const { index, firstBucket } of parts)
        if (questions[index]?.slot.column === column) copyBuckets(sum.columns, firstBucket, together[index])
    }
  return together
}

function copyBuckets(from: BucketColumns, firstBucket: number, into: BucketColumns | undefined): void {
  if (into === undefined) return
  for (const name of columnNames) into[name].set(from[name].subarray(firstBucket, firstBucket + into.count.length))
}
