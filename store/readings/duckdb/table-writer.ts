import {
  BIGINT,
  DOUBLE,
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBType,
  INTEGER,
  UBIGINT,
} from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import type { RowStage } from './row-stage.ts'

/** Rows of a stage into one table, within the connection's transaction. Kept open from batch to batch. */
export interface TableWriter {
  append(stage: RowStage): void
  /** Forgets what a failed transaction left behind. */
  discard(): void
}

const chunkRows = duckdb.vector_size()

export async function createTableWriter(
  connection: DuckDBConnection,
  table: { readonly name: string; readonly columns: number },
): Promise<TableWriter> {
  const appender = await connection.createAppender(table.name)
  const types = [INTEGER, BIGINT, BIGINT, BIGINT, UBIGINT, ...new Array<DuckDBType>(table.columns).fill(DOUBLE)]
  const chunk = DuckDBDataChunk.create(types)
  return {
    append: (stage) => {
      for (let start = 0; start < stage.rows; start += chunkRows) {
        fillChunk(chunk, stage, start)
        appender.appendDataChunk(chunk)
      }
      appender.flushSync()
    },
    discard: () => discardAppender(appender),
  }
}

/** The keys and times of a stage's rows into a table of just those. */
export async function appendKeys(connection: DuckDBConnection, stage: RowStage): Promise<void> {
  const appender = await connection.createAppender('late_keys', 'main', 'temp')
  const chunk = DuckDBDataChunk.create([INTEGER, BIGINT])
  try {
    for (let start = 0; start < stage.rows; start += chunkRows) {
      const rows = beginChunk(chunk, stage, start)
      copyColumn(chunk, 0, stage.keys, start, rows * 4)
      copyColumn(chunk, 1, stage.timeWords, start * 2, rows * 8)
      appender.appendDataChunk(chunk)
    }
    appender.closeSync()
  } catch (error) {
    discardAppender(appender)
    throw error
  }
}

function discardAppender(appender: DuckDBAppender): void {
  try {
    appender.clear()
    appender.closeSync()
  } catch {
    // It failed with its transaction already; the error that matters is that one's.
  }
}

function fillChunk(chunk: DuckDBDataChunk, stage: RowStage, start: number): void {
  const rows = beginChunk(chunk, stage, start)
  copyColumn(chunk, 0, stage.keys, start, rows * 4)
  copyColumn(chunk, 1, stage.timeWords, start * 2, rows * 8)
  copyColumn(chunk, 2, stage.receivedWords, start * 2, rows * 8)
  copyColumn(chunk, 3, stage.deviceTimeWords, start * 2, rows * 8)
  copyValidity(chunk, 3, stage.deviceTimeValid, start)
  copyColumn(chunk, 4, stage.qualityWords, start * 2, rows * 8)
  for (const [column, values] of stage.values.entries()) {
    copyColumn(chunk, 5 + column, values, start, rows * 8)
    const valid = stage.valid[column]
    if (valid !== undefined) copyValidity(chunk, 5 + column, valid, start)
  }
}

function beginChunk(chunk: DuckDBDataChunk, stage: RowStage, start: number): number {
  const rows = Math.min(chunkRows, stage.rows - start)
  chunk.reset()
  chunk.rowCount = rows
  return rows
}

/** Bounds: a stage's arrays hold whole chunks, and a vector holds one. */
function copyColumn(
  chunk: DuckDBDataChunk,
  column: number,
  from: Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer>,
  start: number,
  bytes: number,
): void {
  const vector = duckdb.data_chunk_get_vector(chunk.chunk, column)
  duckdb.copy_data_to_vector(vector, 0, from.buffer, from.byteOffset + start * from.BYTES_PER_ELEMENT, bytes)
}

function copyValidity(chunk: DuckDBDataChunk, column: number, bits: Uint8Array<ArrayBuffer>, startRow: number): void {
  const vector = duckdb.data_chunk_get_vector(chunk.chunk, column)
  duckdb.vector_ensure_validity_writable(vector)
  duckdb.copy_data_to_vector_validity(vector, 0, bits.buffer, bits.byteOffset + startRow / 8, chunkRows / 8)
}
