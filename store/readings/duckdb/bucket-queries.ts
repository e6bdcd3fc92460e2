import { columnNames, emptyBuckets, meanScale } from '../columns.ts'
import type { BucketColumns } from '../reading-store.ts'
import { BucketSum, bucketOfGroups, groupRuns } from '../rollups/index.ts'
import { type BucketAsk, uniformStep } from './bucket-asks.ts'
import { isAny } from './range-queries.ts'
import { rolledColumns, rolledName } from './rolled-tables.ts'
import type { Session } from './session.ts'
import { ascending, isOneOf, oneOrAll, type ReadingTable, valueColumn } from './tables.ts'

/** By key and column: the buckets of the ask. A key without any may lack. */
export type AskAnswer = ReadonlyMap<number, ReadonlyMap<number, BucketColumns>>

export function selectAsk(session: Session, table: ReadingTable, ask: BucketAsk): Promise<AskAnswer> {
  return ask.kind === 'raw' ? aggregateRaw(session, table, ask) : aggregateRolled(session, table, ask)
}

async function aggregateRolled(session: Session, table: ReadingTable, ask: BucketAsk): Promise<AskAnswer> {
  const keys = [...ask.endsMs.keys()]
  const wanted = ascending(ask.columns)
  const sums = new Map(
    keys.map((key) => [key, new Map(wanted.map((column) => [column, new BucketSum(ask.edgesMs.length - 1)]))]),
  )
  const aggregates = wanted.map((column) => {
    const { count, scaled, min, max, first, last } = rolledColumns(column)
    return `coalesce(sum(${count}), 0)::DOUBLE, sum(${scaled}) / sum(${count}) / ${meanScale},
      min(${min}), max(${max}), sum(${scaled}) / ${meanScale}, arg_min(${first}, slot_ms), arg_max(${last}, slot_ms)`
  })
  const sql = `SELECT key::DOUBLE, ((slot_ms - $2) // $4)::DOUBLE, ${aggregates.join(', ')} FROM ${rolledName(table)}
    WHERE ${isOneOf('key', keys)} AND slot_ms >= $2 AND slot_ms < $3 GROUP BY 1, 2`
  for (const run of groupRuns(ask.edgesMs)) {
    const { edgesMs, groupMs, firstBucket } = run
    const bounds = [edgesMs[0] ?? 0, edgesMs.at(-1) ?? 0, groupMs]
    const [ofKey, groups, ...columns] = await session.select(sql, [oneOrAll(keys), ...bounds])
    // Sorted here: of so few rows that is faster than another operator.
    for (const [key, rows] of rowsByKey(ofKey, groups)) {
      const buckets = bucketOfGroups(
        run,
        rows.map((row) => groups?.[row] ?? 0),
      )
      for (const [i, column] of wanted.entries()) {
        const part = columnsOf(columns, i)
        const sum = sums.get(key)?.get(column)
        for (const [at, bucket] of buckets.entries()) sum?.add(firstBucket + bucket, part, rows[at] ?? 0)
      }
    }
  }
  return new Map([...sums].map(([key, of]) => [key, new Map([...of].map(([column, sum]) => [column, sum.columns]))]))
}

async function aggregateRaw(session: Session, table: ReadingTable, ask: BucketAsk): Promise<AskAnswer> {
  const { edgesMs, endsMs } = ask
  const keys = [...endsMs.keys()]
  const wanted = ascending(ask.columns)
  const values = wanted.map((column) => valueColumn(table, column))
  const stepMs = uniformStep(edgesMs)
  const places = stepMs === undefined ? [edgesMs] : [stepMs, (edgesMs[1] ?? 0) - stepMs]
  const parameters = [oneOrAll(keys), edgesMs[0] ?? 0, edgesMs.at(-1) ?? 0, ...places]
  const ends = `(SELECT unnest($1::INTEGER[]) AS wanted, unnest($${parameters.length + 1}::BIGINT[]) AS end_ms)`
  const isEven = new Set(endsMs.values()).size === 1
  const isWanted = isEven ? isOneOf(table.keyName, keys) : `${table.keyName} = wanted AND time_ms < end_ms`
  const rows = `(SELECT ${table.keyName} AS key, time_ms, ${values.map((value, i) => `${value} AS v${i}`).join(', ')}
    FROM ${table.name}${isEven ? '' : `, ${ends}`}
    WHERE ${isWanted} AND time_ms >= $2 AND time_ms < $3 AND (${isAny(values)}))`
  const edges = '(SELECT unnest($4::BIGINT[]) AS edge, unnest(range(len($4::BIGINT[]))) AS bucket)'
  const source =
    stepMs === undefined
      ? `${rows} r ASOF JOIN ${edges} e ON r.time_ms >= e.edge`
      : `(SELECT *, (time_ms - $5) // $4 AS bucket FROM ${rows})`
  const aggregates = values.map(
    (_, i) => `count(v${i})::DOUBLE, avg(v${i} * ${meanScale}) / ${meanScale}, min(v${i}), max(v${i}), sum(v${i}),
      arg_min(v${i}, time_ms), arg_max(v${i}, time_ms)`,
  )
  const sql = `SELECT key::DOUBLE, bucket::DOUBLE, ${aggregates.join(', ')} FROM ${source} GROUP BY key, bucket`
  const answers = await session.select(sql, isEven ? parameters : [...parameters, [...endsMs.values()]])
  const [ofKey, bucketOf, ...columns] = answers
  const found = new Map<number, Map<number, BucketColumns>>()
  for (const [key, rows] of rowsByKey(ofKey, bucketOf)) {
    const ofColumns = wanted.map((column, i): [number, BucketColumns] => {
      const part = columnsOf(columns, i)
      const buckets = emptyBuckets(edgesMs.length - 1)
      for (const name of columnNames)
        for (const row of rows) buckets[name][bucketOf?.[row] ?? -1] = part[name][row] ?? Number.NaN
      return [column, buckets]
    })
    found.set(key, new Map(ofColumns))
  }
  return found
}

/** Ascending by bucket or group. */
function rowsByKey(keys: Float64Array | undefined, order: Float64Array | undefined): Map<number, number[]> {
  const byKey = new Map<number, number[]>()
  for (const [row, key] of (keys ?? []).entries()) {
    const rows = byKey.get(key)
    if (rows === undefined) byKey.set(key, [row])
    else rows.push(row)
  }
  for (const rows of byKey.values()) rows.sort((a, b) => (order?.[a] ?? 0) - (order?.[b] ?? 0))
  return byKey
}

/** Of the i-th metric, in the order in which both questions ask for them. */
function columnsOf(columns: readonly Float64Array[], i: number): BucketColumns {
  const [count, avg, min, max, sum, first, last] = columns.slice(i * columnNames.length)
  if (!count || !avg || !min || !max || !sum || !first || !last) return emptyBuckets(0)
  return { count, avg, min, max, sum, first, last }
}
