import { checkEdges, emptyBuckets, emptyReadings, meanScale, wholeMs } from '../columns.ts'
import type { BucketColumns, BucketQuery, RangeQuery, ReadingColumns } from '../reading-store.ts'
import { BucketSum, bucketOfGroups, type GroupRun, groupRuns, planPieces } from '../rollups/index.ts'
import { selectRolled } from './rolled-state.ts'
import { rolledColumns, rolledName } from './rolled-tables.ts'
import type { Session } from './session.ts'
import { qualityOf, type Slot } from './tables.ts'
import { inTransaction } from './transaction.ts'

export async function selectRange(session: Session, slot: Slot, query: RangeQuery): Promise<ReadingColumns> {
  const value = valueColumn(slot)
  const sql = `SELECT time_ms::DOUBLE, ${value}, ${qualityOf(slot.column)}::DOUBLE, received_ms::DOUBLE
    FROM ${slot.table.name}
    WHERE ${slot.table.keyName} = $1::INTEGER AND time_ms >= $2 AND time_ms < $3 AND ${value} IS NOT NULL
    ORDER BY time_ms LIMIT $4`
  const limit = Math.min(Math.floor(query.limit), Number.MAX_SAFE_INTEGER)
  const parameters = [slot.key, wholeMs(query.fromMs), wholeMs(query.toMs), limit]
  const [timesMs, values, quality, receivedMs] = await session.select(sql, parameters)
  return timesMs && values && quality && receivedMs
    ? { timesMs, values, quality: Uint8Array.from(quality), receivedMs }
    : emptyReadings(0)
}

/** From rollups where there are any, and from the readings elsewhere. */
export async function selectBuckets(session: Session, slot: Slot, query: BucketQuery): Promise<BucketColumns> {
  const edgesMs = checkEdges(query.edgesMs)
  // What is rolled up must be of the same moment as the rows.
  return inTransaction(session, async () => {
    const sum = new BucketSum(edgesMs.length - 1)
    for (const piece of planPieces(edgesMs, await selectRolled(session, slot.table, slot.key))) {
      if (piece.kind === 'raw') sum.addAll(piece.firstBucket, await aggregateRaw(session, slot, piece.edgesMs))
      else
        for (const run of groupRuns(piece.edgesMs))
          await aggregateRolled(session, slot, { ...run, firstBucket: piece.firstBucket + run.firstBucket }, sum)
    }
    return sum.columns
  })
}

async function aggregateRolled(session: Session, { table, key, column }: Slot, run: GroupRun, into: BucketSum) {
  const { count, scaled, min, max, first, last } = rolledColumns(column)
  const sql = `SELECT ((slot_ms - $2) // $4)::DOUBLE, sum(${count})::DOUBLE, sum(${scaled}) / sum(${count}) / ${meanScale},
    min(${min}), max(${max}), sum(${scaled}) / ${meanScale}, arg_min(${first}, slot_ms), arg_max(${last}, slot_ms)
    FROM ${rolledName(table)}
    WHERE key = $1::INTEGER AND slot_ms >= $2 AND slot_ms < $3 AND ${count} > 0 GROUP BY 1`
  const { edgesMs, groupMs, firstBucket } = run
  const [groups, ...columns] = await session.select(sql, [key, edgesMs[0] ?? 0, edgesMs.at(-1) ?? 0, groupMs])
  const part = { ...emptyBuckets(0), ...columnsOf(columns) }
  // Sorted here: of so few rows that is faster than another operator.
  const rows = [...(groups ?? []).keys()].sort((a, b) => (groups?.[a] ?? 0) - (groups?.[b] ?? 0))
  const buckets = bucketOfGroups(
    run,
    rows.map((row) => groups?.[row] ?? 0),
  )
  for (const [i, bucket] of buckets.entries()) into.add(firstBucket + bucket, part, rows[i] ?? 0)
}

async function aggregateRaw(session: Session, slot: Slot, edgesMs: Float64Array): Promise<BucketColumns> {
  const buckets = emptyBuckets(edgesMs.length - 1)
  const value = valueColumn(slot)
  const fromMs = edgesMs[0] ?? 0
  const toMs = edgesMs.at(-1) ?? 0
  const stepMs = uniformStep(edgesMs)
  const rows = `(SELECT time_ms, ${value} AS v FROM ${slot.table.name}
    WHERE ${slot.table.keyName} = $1::INTEGER AND time_ms >= $2 AND time_ms < $3 AND ${value} IS NOT NULL)`
  const edges = '(SELECT unnest($4::BIGINT[]) AS edge, unnest(range(len($4::BIGINT[]))) AS bucket)'
  const source =
    stepMs === undefined
      ? `${rows} r ASOF JOIN ${edges} e ON r.time_ms >= e.edge`
      : `(SELECT *, (time_ms - $5) // $4 AS bucket FROM ${rows})`
  const sql = `SELECT bucket::DOUBLE, count(*)::DOUBLE, avg(v * ${meanScale}) / ${meanScale}, min(v), max(v), sum(v), arg_min(v, time_ms),
    arg_max(v, time_ms) FROM ${source} GROUP BY bucket`
  const places = stepMs === undefined ? [edgesMs] : [stepMs, (edgesMs[1] ?? 0) - stepMs]
  const [index, ...columns] = await session.select(sql, [slot.key, fromMs, toMs, ...places])
  const targets = [buckets.count, buckets.avg, buckets.min, buckets.max, buckets.sum, buckets.first, buckets.last]
  for (const [i, target] of targets.entries())
    for (const [row, bucket] of (index ?? []).entries()) target[bucket] = columns[i]?.[row] ?? Number.NaN
  return buckets
}

/** In the order in which both questions ask for them. */
function columnsOf([count, avg, min, max, sum, first, last]: readonly Float64Array[]): BucketColumns | undefined {
  if (!count || !avg || !min || !max || !sum || !first || !last) return undefined
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

function valueColumn(slot: Slot): string {
  return slot.table.columns[slot.column] ?? 'NULL'
}
