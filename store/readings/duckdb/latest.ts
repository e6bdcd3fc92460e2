import { emptyReadings } from '../columns.ts'
import type { ReadingColumns } from '../reading-store.ts'
import type { Session } from './session.ts'
import { qualityOf, type ReadingTable, type Slot } from './tables.ts'

const minuteMs = 60_000
/** How far before a table's newest row to look, one after the other for those that were not found yet. */
const lookBackMs = [5 * minuteMs, 120 * minuteMs, 2_880 * minuteMs, Number.POSITIVE_INFINITY]

interface Wanted {
  /** Index in the answer. */
  readonly index: number
  readonly slot: Slot
}

/** The newest reading per slot; only what has long been silent makes it read a whole table. */
export async function selectLatest(session: Session, slots: readonly (Slot | undefined)[]): Promise<ReadingColumns> {
  const answer = emptyReadings(slots.length)
  for (const [table, wanted] of byTable(slots)) {
    const [newest] = await session.select(`SELECT max(time_ms)::DOUBLE FROM ${table.name}`, [])
    const newestMs = newest?.[0] ?? Number.NaN
    if (Number.isNaN(newestMs)) continue
    let silent: readonly Wanted[] = wanted
    for (const backMs of lookBackMs) {
      if (silent.length === 0) break
      const sinceMs = Math.max(newestMs - backMs, -Number.MAX_SAFE_INTEGER)
      silent = await selectSince(session, { table, wanted: silent, sinceMs }, answer)
    }
  }
  return answer
}

/** Returns those that have nothing since then. */
async function selectSince(
  session: Session,
  query: { readonly table: ReadingTable; readonly wanted: readonly Wanted[]; readonly sinceMs: number },
  answer: ReadingColumns,
): Promise<readonly Wanted[]> {
  const { table, wanted, sinceMs } = query
  const columns = [...new Set(wanted.map(({ slot }) => slot.column))]
  const newestOf = columns.map((column) => {
    const there = `FILTER (WHERE ${table.columns[column]} IS NOT NULL)`
    return `(max(time_ms) ${there})::DOUBLE, arg_max(${table.columns[column]}, time_ms),
      (arg_max(${qualityOf(column)}, time_ms) ${there})::DOUBLE, (arg_max(received_ms, time_ms) ${there})::DOUBLE`
  })
  const sql = `SELECT ${table.keyName}::DOUBLE, ${newestOf.join(', ')} FROM ${table.name}
    WHERE time_ms >= $1 AND ${table.keyName} IN (SELECT unnest($2::INTEGER[])) GROUP BY ${table.keyName}`
  const keys = [...new Set(wanted.map(({ slot }) => slot.key))]
  const [foundKeys, ...found] = await session.select(sql, [sinceMs, keys])
  const rowOf = new Map([...(foundKeys ?? [])].map((key, row) => [key, row]))
  const silent: Wanted[] = []
  for (const want of wanted) {
    const row = rowOf.get(want.slot.key) ?? -1
    const [timesMs, values, quality, receivedMs] = found.slice(columns.indexOf(want.slot.column) * 4)
    const timeMs = timesMs?.[row] ?? Number.NaN
    if (Number.isNaN(timeMs)) {
      silent.push(want)
      continue
    }
    answer.timesMs[want.index] = timeMs
    answer.values[want.index] = values?.[row] ?? Number.NaN
    answer.quality[want.index] = quality?.[row] ?? 0
    answer.receivedMs[want.index] = receivedMs?.[row] ?? Number.NaN
  }
  return silent
}

function byTable(slots: readonly (Slot | undefined)[]): Map<ReadingTable, Wanted[]> {
  const tables = new Map<ReadingTable, Wanted[]>()
  for (const [index, slot] of slots.entries()) {
    if (slot === undefined) continue
    const wanted = tables.get(slot.table) ?? []
    wanted.push({ index, slot })
    tables.set(slot.table, wanted)
  }
  return tables
}
