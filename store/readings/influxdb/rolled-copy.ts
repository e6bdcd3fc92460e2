import type { RangeQuery, RollupColumns } from '../reading-store.ts'
import type { BucketDeps } from './bucket-queries.ts'
import type { Place } from './layout.ts'
import { quoteCarried, rolledField, rolledParts } from './names.ts'
import { timeWithin, withinBounds } from './queries.ts'
import { numberIn } from './query.ts'
import { hoursOf, rollupLine } from './rolling.ts'

/** Points in one request. */
const pointsAtOnce = 5_000

export const noRollups: RollupColumns = columnsOf([])

export async function selectRollups(
  { connection, path, rollups }: BucketDeps,
  range: Pick<RangeQuery, 'fromMs' | 'toMs'>,
): Promise<RollupColumns> {
  const columns = rolledParts.map((part) => quoteCarried(rolledField(path.field, part))).join(', ')
  const sql = `SELECT ${columns} FROM ${rollups.from(path.measurement, '15m')} WHERE ${path.where} AND ${timeWithin(withinBounds(range))}`
  const found: (readonly unknown[])[] = []
  for await (const { rows } of connection.query(sql)) found.push(...rows.filter((row) => numberIn(row, 1) > 0))
  return columnsOf(found)
}

/** Slots, and the hours that are made of them, in requests of a bounded length. */
export function* linesOfRollups(
  { place, field }: { readonly place: Place; readonly field: string },
  { slotsMs, count, sum, min, max, first, last }: RollupColumns,
): Generator<string> {
  // A sum beyond the largest number cannot be said; the comparison afterwards tells.
  const finite = [...slotsMs.keys()].filter((i) => Number.isFinite(sum[i]))
  const rows = finite.map((i) => [slotsMs, count, sum, min, max, first, last].map((column) => column[i] ?? 0))
  const lines = rows.map(([timeMs = 0, ...parts]) => rollupLine(place, field, '15m', { timeMs, parts: [parts] }))
  for (const hour of hoursOf(rows, 1)) lines.push(rollupLine(place, field, '1h', hour))
  for (let from = 0; from < lines.length; from += pointsAtOnce)
    yield lines
      .slice(from, from + pointsAtOnce)
      .join('')
      .slice(0, -1)
}

function columnsOf(rows: readonly (readonly unknown[])[]): RollupColumns {
  const column = (index: number) => Float64Array.from(rows, (row) => numberIn(row, index))
  return {
    slotsMs: column(0),
    count: column(1),
    sum: column(2),
    min: column(3),
    max: column(4),
    first: column(5),
    last: column(6),
  }
}
