import { BIGINT, type DuckDBConnection, type DuckDBPreparedStatement, LIST } from '@duckdb/node-api'
import duckdb, { type Vector } from '@duckdb/node-bindings'

/** A whole number (a time, a key), or a list of them. */
export type Parameter = number | readonly number[] | Float64Array

/** One connection with its prepared statements; one call at a time. */
export interface Session {
  readonly connection: DuckDBConnection
  /** Statements without parameters or answer, not kept prepared. */
  run(sql: string): Promise<void>
  /** Runs a statement; resolves with how many rows it changed. */
  change(sql: string, parameters: readonly Parameter[]): Promise<number>
  /** Every column of the query must be a DOUBLE; NULL arrives as NaN. One array per column. */
  select(sql: string, parameters: readonly Parameter[]): Promise<Float64Array[]>
  /** Every column of the query must be a VARCHAR; NULL arrives as ''. One array per row. */
  texts(sql: string): Promise<string[][]>
  close(): void
}

const maxStatements = 256

export function createSession(connection: DuckDBConnection): Session {
  // In order of last use. Planning a query costs more than running it on one device's day.
  const statements = new Map<string, DuckDBPreparedStatement>()

  async function prepared(sql: string): Promise<DuckDBPreparedStatement> {
    const known = statements.get(sql)
    if (known !== undefined) {
      statements.delete(sql)
      statements.set(sql, known)
      return known
    }
    const statement = await connection.prepare(sql)
    statements.set(sql, statement)
    for (const [oldest, unused] of statements) {
      if (statements.size <= maxStatements) break
      statements.delete(oldest)
      unused.destroySync()
    }
    return statement
  }

  async function execute(sql: string, parameters: readonly Parameter[]) {
    const statement = await prepared(sql)
    for (const [i, parameter] of parameters.entries()) {
      if (typeof parameter === 'number') statement.bindBigInt(i + 1, BigInt(parameter))
      else statement.bindList(i + 1, Array.from(parameter, BigInt), LIST(BIGINT))
    }
    return statement.run()
  }

  return {
    connection,
    run: async (sql) => {
      await connection.run(sql)
    },
    change: async (sql, parameters) => (await execute(sql, parameters)).rowsChanged,
    select: async (sql, parameters) => {
      const result = await execute(sql, parameters)
      const chunks = await result.fetchAllChunks()
      const rows = chunks.reduce((sum, chunk) => sum + chunk.rowCount, 0)
      const columns = Array.from({ length: result.columnCount }, () => new Float64Array(rows))
      let start = 0
      for (const { chunk, rowCount } of chunks) {
        for (const [i, column] of columns.entries())
          copyDoubles(duckdb.data_chunk_get_vector(chunk, i), column.subarray(start, start + rowCount))
        start += rowCount
      }
      return columns
    },
    texts: async (sql) => {
      const rows = (await connection.runAndReadAll(sql)).getRows()
      return rows.map((row) => row.map((item) => (typeof item === 'string' ? item : '')))
    },
    close: () => {
      for (const statement of statements.values()) statement.destroySync()
      statements.clear()
      connection.closeSync()
    },
  }
}

/** Copies a DOUBLE vector as a whole: value by value costs ten times as much, on the thread that also decodes. */
function copyDoubles(vector: Vector, to: Float64Array): void {
  const data = duckdb.vector_get_data(vector, to.byteLength)
  to.set(new Float64Array(data.buffer, data.byteOffset, to.length))
  // Null, whatever its type says, where every value is valid.
  const valid: Uint8Array | null = duckdb.vector_get_validity(vector, Math.ceil(to.length / 64) * 8)
  if (valid === null) return
  for (let row = 0; row < to.length; row++) if ((((valid[row >> 3] ?? 0) >> (row & 7)) & 1) === 0) to[row] = Number.NaN
}
