import { AppError } from '../../../model/index.ts'
import { lateKeysSql } from './late-rows.ts'
import { layoutSchemaSql } from './layout.ts'
import type { Session } from './session.ts'
import { inTransaction } from './transaction.ts'

const schemaVersion = 1

/** The one row of table `store`: it changes in the same transaction as the readings do. */
export interface Ledger {
  /** Log position of the last batch stored. */
  readonly position: number
  readonly readings: number
  readonly rows: number
  readonly lateRows: number
}

const schemaSql: readonly string[] = [
  'CREATE TABLE store (schema_version INTEGER, position BIGINT, readings BIGINT, row_count BIGINT, late_rows BIGINT)',
  `INSERT INTO store VALUES (${schemaVersion}, 0, 0, 0, 0)`,
  ...layoutSchemaSql,
]

/** Makes the tables of a new file, and checks that an old one is of this version. */
export async function prepareSchema(session: Session): Promise<void> {
  const known = await session.texts(
    "SELECT table_name FROM duckdb_tables() WHERE table_name = 'store' AND NOT temporary",
  )
  if (known.length === 0)
    await inTransaction(session, async () => {
      for (const sql of schemaSql) await session.run(sql)
    })
  const [versions] = await session.select('SELECT schema_version::DOUBLE FROM store', [])
  if (versions?.[0] !== schemaVersion)
    throw new AppError('store_failed', `open readings failed: schema version ${versions?.[0]} is not ${schemaVersion}`)
  await session.run(lateKeysSql)
}

export async function readLedger(session: Session): Promise<Ledger> {
  const sql = 'SELECT position::DOUBLE, readings::DOUBLE, row_count::DOUBLE, late_rows::DOUBLE FROM store'
  const [position, readings, rows, lateRows] = await session.select(sql, [])
  return {
    position: position?.[0] ?? 0,
    readings: readings?.[0] ?? 0,
    rows: rows?.[0] ?? 0,
    lateRows: lateRows?.[0] ?? 0,
  }
}

export async function writeLedger(session: Session, ledger: Ledger): Promise<void> {
  const sql = 'UPDATE store SET position = $1, readings = $2, row_count = $3, late_rows = $4'
  await session.change(sql, [ledger.position, ledger.readings, ledger.rows, ledger.lateRows])
}
