import type { Session } from './session.ts'
import type { ReadingTable } from './tables.ts'
import { inTransaction } from './transaction.ts'

const dayMs = 86_400_000
/** One transaction rewrites about so many rows: writes wait for it, and its copy has to fit in memory. */
const sliceRows = 1_000_000

/** Some keys' rows of one UTC day. */
export interface DaySlice {
  readonly table: ReadingTable
  readonly fromMs: number
  readonly firstKey: number
  readonly lastKey: number
  readonly rows: number
}

export async function sliceDay(session: Session, tables: readonly ReadingTable[], fromMs: number): Promise<DaySlice[]> {
  const slices: DaySlice[] = []
  for (const table of tables) {
    const sql = `SELECT ${table.keyName}::DOUBLE, count(*)::DOUBLE FROM ${table.name}
      WHERE time_ms >= $1 AND time_ms < $2 GROUP BY ${table.keyName} ORDER BY ${table.keyName}`
    const [keys, counts] = await session.select(sql, [fromMs, fromMs + dayMs])
    let slice: DaySlice | undefined
    for (const [i, key] of (keys ?? []).entries()) {
      const rows = (slice?.rows ?? 0) + (counts?.[i] ?? 0)
      slice = { table, fromMs, firstKey: slice?.firstKey ?? key, lastKey: key, rows }
      if (rows < sliceRows) continue
      slices.push(slice)
      slice = undefined
    }
    if (slice !== undefined) slices.push(slice)
  }
  return slices
}

/** Rewrites a slice in the order that queries read it: a device's day lies together then. */
export async function rewriteSlice(session: Session, slice: DaySlice): Promise<void> {
  const { table, fromMs, firstKey, lastKey } = slice
  const key = table.keyName
  const where = `FROM ${table.name} WHERE time_ms >= ${fromMs} AND time_ms < ${fromMs + dayMs}
    AND ${key} BETWEEN ${firstKey} AND ${lastKey}`
  await inTransaction(session, async () => {
    await session.run(`CREATE TEMP TABLE slice AS SELECT * ${where} ORDER BY ${key}, time_ms`)
    await session.run(`DELETE ${where}`)
    await session.run(`INSERT INTO ${table.name} SELECT * FROM slice`)
    await session.run('DROP TABLE slice')
  })
}
