import { AppError } from '../../../model/index.ts'
import type { StoreMarks } from '../reading-store.ts'
import { lateKeysSql } from './late-rows.ts'
import { layoutSchemaSql } from './layout.ts'
import { rolledSchemaSql } from './rolled-tables.ts'
import type { Session } from './session.ts'
import { quoteText } from './tables.ts'
import { inTransaction } from './transaction.ts'

const schemaVersion = 3

/** The one row of table `store`: it changes in the same transaction as the readings do. */
export interface Ledger extends StoreMarks {
  /** Raw readings before this are gone, and only rollups answer; -Infinity: none ever went so. */
  readonly rawFromMs: number
  readonly readings: number
  readonly rows: number
  readonly lateRows: number
}

const schemaSql: readonly string[] = [
  `CREATE TABLE store (schema_version INTEGER, position BIGINT, readings BIGINT, row_count BIGINT, late_rows BIGINT,
    log_id VARCHAR, highest_device INTEGER, highest_series INTEGER)`,
  `INSERT INTO store VALUES (${schemaVersion}, 0, 0, 0, 0, NULL, 0, 0)`,
  ...layoutSchemaSql,
  ...rolledSchemaSql,
]

/** From version 1, which did not know where its readings came from. */
const marksSql: readonly string[] = [
  'ALTER TABLE store ADD COLUMN log_id VARCHAR',
  'ALTER TABLE store ADD COLUMN highest_device INTEGER DEFAULT 0',
  'ALTER TABLE store ADD COLUMN highest_series INTEGER DEFAULT 0',
  'UPDATE store SET schema_version = 2',
]

/** From version 2, which had no rollups; their tables are made when the layout is known. */
const rollupsSql: readonly string[] = [...rolledSchemaSql, 'UPDATE store SET schema_version = 3']

/** Makes the tables of a new file, and brings an old one to this version. */
export async function prepareSchema(session: Session): Promise<void> {
  const known = await session.texts(
    "SELECT table_name FROM duckdb_tables() WHERE table_name = 'store' AND NOT temporary",
  )
  if (known.length === 0) await runAll(session, schemaSql)
  if ((await versionOf(session)) === 1) await runAll(session, marksSql)
  if ((await versionOf(session)) === 2) await runAll(session, rollupsSql)
  const version = await versionOf(session)
  if (version !== schemaVersion)
    throw new AppError('store_failed', `open readings failed: schema version ${version} is not ${schemaVersion}`)
  await session.run(lateKeysSql)
}

function runAll(session: Session, statements: readonly string[]): Promise<void> {
  return inTransaction(session, async () => {
    for (const sql of statements) await session.run(sql)
  })
}

async function versionOf(session: Session): Promise<number | undefined> {
  const [versions] = await session.select('SELECT schema_version::DOUBLE FROM store', [])
  return versions?.[0]
}

export async function readLedger(session: Session): Promise<Ledger> {
  const names = ['position', 'readings', 'row_count', 'late_rows', 'highest_device', 'highest_series', 'raw_from_ms']
  const columns = await session.select(`SELECT ${names.map((name) => `${name}::DOUBLE`).join(', ')} FROM store`, [])
  const firstRow = columns.map((column) => column[0])
  const [position = 0, readings = 0, rows = 0, lateRows = 0, highestDevice = 0, highestSeries = 0, rawFrom] = firstRow
  const rawFromMs = rawFrom === undefined || Number.isNaN(rawFrom) ? Number.NEGATIVE_INFINITY : rawFrom
  const [[logId = ''] = []] = await session.texts('SELECT log_id FROM store')
  const marks = { position, logId: logId === '' ? undefined : logId, highestDevice, highestSeries }
  return { ...marks, readings, rows, lateRows, rawFromMs }
}

export async function writeLedger(session: Session, ledger: Ledger): Promise<void> {
  const sql = `UPDATE store SET position = $1, readings = $2, row_count = $3, late_rows = $4, highest_device = $5,
    highest_series = $6`
  const { position, readings, rows, lateRows, highestDevice, highestSeries } = ledger
  await session.change(sql, [position, readings, rows, lateRows, highestDevice, highestSeries])
}

/** Once in the life of a file. */
export async function writeLogId(session: Session, logId: string): Promise<void> {
  await session.run(`UPDATE store SET log_id = ${quoteText(logId)}`)
}

/** Once a night. */
export async function writeRawFrom(session: Session, rawFromMs: number): Promise<void> {
  await session.run(`UPDATE store SET raw_from_ms = ${Number.isFinite(rawFromMs) ? rawFromMs : 'NULL'}`)
}
