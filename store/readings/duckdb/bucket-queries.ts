import { columnNames, emptyBuckets, meanScale } from '../columns.ts'
import type { BucketColumns } from '../reading-store.ts'
import {
  BucketSum,
  bucketOfGroups,
  type GroupRun,
  groupRuns,
  type Piece,
  planPieces,
  type Rolled,
} from '../rollups/index.ts'
import { isAny } from './range-queries.ts'
import { selectRolled } from './rolled-state.ts'
import { rolledColumns, rolledName } from './rolled-tables.ts'
import type { Session } from './session.ts'
import { type RowKey, valueColumn } from './tables.ts'
import { inTransaction } from './transaction.ts'

/** Several metrics whose rows are the same, in the same buckets. */
export interface BucketGroup extends RowKey {
  readonly columns: readonly number[]
  readonly edgesMs: Float64Array
}

/** What the writer knows of rollups, as of the last commit. */
export interface RolledView {
  /** Even; odd while a change is under way that may make `rolledOf` wrong. */
  readonly moment: number
  rolledOf(row: RowKey): Rolled
}

/**
 * From rollups where there are any, and from the readings elsewhere; index i is of `columns[i]`. What is rolled up must be of
 * the same moment as the rows: it is known here without asking, except while it changes.
 */
export async function selectBuckets(
  session: Session,
  group: BucketGroup,
  view: RolledView,
): Promise<readonly BucketColumns[]> {
  const { moment } = view
  if (moment % 2 === 0) {
    const pieces = planPieces(group.edgesMs, view.rolledOf(group))
    const answer = () => selectPieces(session, group, pieces)
    const answers = await (pieces.length > 1 ? inTransaction(session, answer) : answer())
    if (view.moment === moment) return answers
  }
  return inTransaction(session, async () => {
    const rolled = await selectRolled(session, group.table, group.key)
    return selectPieces(session, group, planPieces(group.edgesMs, rolled))
  })
}

async function selectPieces(
  session: Session,
  group: BucketGroup,
  pieces: readonly Piece[],
): Promise<readonly BucketColumns[]> {
  const sums = group.columns.map(() => new BucketSum(group.edgesMs.length - 1))
  for (const { kind, firstBucket, edgesMs } of pieces) {
    if (kind === 'raw') {
      const parts = await aggregateRaw(session, { ...group, edgesMs })
      for (const [i, part] of parts.entries()) sums[i]?.addAll(firstBucket, part)
    } else
      for (const run of groupRuns(edgesMs))
        await aggregateRolled(session, group, { ...run, firstBucket: firstBucket + run.firstBucket }, sums)
  }
  return sums.map(({ columns }) => columns)
}

async function aggregateRolled(session: Session, group: BucketGroup, run: GroupRun, into: readonly BucketSum[]) {
  const aggregates = group.columns.map((column) => {
    const { count, scaled, min, max, first, last } = rolledColumns(column)
    return `coalesce(sum(${count}), 0)::DOUBLE, sum(${scaled}) / sum(${count}) / ${meanScale},
      min(${min}), max(${max}), sum(${scaled}) / ${meanScale}, arg_min(${first}, slot_ms), arg_max(${last}, slot_ms)`
  })
  const sql = `SELECT ((slot_ms - $2) // $4)::DOUBLE, ${aggregates.join(', ')} FROM ${rolledName(group.table)}
    WHERE key = $1::INTEGER AND slot_ms >= $2 AND slot_ms < $3 GROUP BY 1`
  const { edgesMs, groupMs, firstBucket } = run
  const [groups, ...columns] = await session.select(sql, [group.key, edgesMs[0] ?? 0, edgesMs.at(-1) ?? 0, groupMs])
  // Sorted here: of so few rows that is faster than another operator.
  const rows = [...(groups ?? []).keys()].sort((a, b) => (groups?.[a] ?? 0) - (groups?.[b] ?? 0))
  const buckets = bucketOfGroups(
    run,
    rows.map((row) => groups?.[row] ?? 0),
  )
  for (const [i, sum] of into.entries()) {
    const part = columnsOf(columns, i)
    for (const [at, bucket] of buckets.entries()) sum.add(firstBucket + bucket, part, rows[at] ?? 0)
  }
}

async function aggregateRaw(session: Session, group: BucketGroup): Promise<readonly BucketColumns[]> {
  const { table, key, edgesMs } = group
  const fromMs = edgesMs[0] ?? 0
  const toMs = edgesMs.at(-1) ?? 0
  const stepMs = uniformStep(edgesMs)
  const values = group.columns.map((column) => valueColumn(table, column))
  const rows = `(SELECT time_ms, ${values.map((value, i) => `${value} AS v${i}`).join(', ')} FROM ${table.name}
    WHERE ${table.keyName} = $1::INTEGER AND time_ms >= $2 AND time_ms < $3 AND (${isAny(values)}))`
  const edges = '(SELECT unnest($4::BIGINT[]) AS edge, unnest(range(len($4::BIGINT[]))) AS bucket)'
  const source =
    stepMs === undefined
      ? `${rows} r ASOF JOIN ${edges} e ON r.time_ms >= e.edge`
      : `(SELECT *, (time_ms - $5) // $4 AS bucket FROM ${rows})`
  const aggregates = values.map(
    (_, i) => `count(v${i})::DOUBLE, avg(v${i} * ${meanScale}) / ${meanScale}, min(v${i}), max(v${i}), sum(v${i}),
      arg_min(v${i}, time_ms), arg_max(v${i}, time_ms)`,
  )
  const sql = `SELECT bucket::DOUBLE, ${aggregates.join(', ')} FROM ${source} GROUP BY bucket`
  const places = stepMs === undefined ? [edgesMs] : [stepMs, (edgesMs[1] ?? 0) - stepMs]
  const [index, ...columns] = await session.select(sql, [key, fromMs, toMs, ...places])
  return values.map((_, i) => {
    const found = columnsOf(columns, i)
    const buckets = emptyBuckets(edgesMs.length - 1)
    for (const name of columnNames)
      for (const [row, bucket] of (index ?? []).entries()) buckets[name][bucket] = found[name][row] ?? Number.NaN
    return buckets
  })
}

/** Of the i-th metric, in the order in which both questions ask for them. */
function columnsOf(columns: readonly Float64Array[], i: number): BucketColumns {
  const [count, avg, min, max, sum, first, last] = columns.slice(i * columnNames.length)
  if (!count || !avg || !min || !max || !sum || !first || !last) return emptyBuckets(0)
  return { count, avg, min, max, sum, first, last }
}

/** The length of all buckets but the first and the last, which may be cut; undefined: they differ. */
function uniformStep(edgesMs: Float64Array): number | undefined {
  const lengthOf = (i: number) => (edgesMs[i + 1] ?? 0) - (edgesMs[i] ?? 0)
  const count = edgesMs.length - 1
  const stepMs = count > 2 ? lengthOf(1) : Math.max(lengthOf(0), lengthOf(count - 1))
  for (let i = 2; i < count - 1; i++) if (lengthOf(i) !== stepMs) return undefined
  return lengthOf(0) <= stepMs && lengthOf(count - 1) <= stepMs ? stepMs : undefined
}
