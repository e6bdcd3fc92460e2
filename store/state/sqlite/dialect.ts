import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { AppError } from '../../../model/index.ts'
import { fromSqlite } from './errors.ts'

/** Texts with `in (…)` lists differ by length, so the cache needs a bound; the oldest use goes first. */
const maxStatements = 256
const maxWaiting = 100_000

/**
 * Kysely on one `node:sqlite` connection. Queries are synchronous, so only a transaction can be interrupted by another
 * caller; the connection is therefore handed from one user to the next in the order they asked.
 */
export function createSqliteDialect(database: DatabaseSync): Dialect {
  return {
    createDriver: () => createDriver(database),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new QueuedAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  }
}

/** Kysely's own lock wakes every waiter for each release, so n waiters cost n²; ours is in the driver below. */
class QueuedAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

function createDriver(database: DatabaseSync): Driver {
  const connection = createConnection(database)
  const waiting: (() => void)[] = []
  let held = false

  return {
    async init() {},
    acquireConnection() {
      if (!held) {
        held = true
        return Promise.resolve(connection)
      }
      if (waiting.length >= maxWaiting) {
        const message = `wait for the state connection failed: ${maxWaiting} are waiting`
        return Promise.reject(new AppError('store_unavailable', message, { retryable: true }))
      }
      return new Promise((resolve) => waiting.push(() => resolve(connection)))
    },
    async releaseConnection() {
      const next = waiting.shift()
      if (next === undefined) held = false
      else next()
    },
    // IMMEDIATE: a deferred transaction that reads first and writes later fails with SQLITE_BUSY_SNAPSHOT, unheard by
    // the busy timeout, when another thread wrote between the two.
    async beginTransaction() {
      execute(database, 'begin immediate')
    },
    async commitTransaction() {
      execute(database, 'commit')
    },
    // A full disk or an I/O error may have ended the transaction already.
    async rollbackTransaction() {
      if (database.isTransaction) execute(database, 'rollback')
    },
    async destroy() {
      if (database.isOpen) database.close()
    },
  }
}

function execute(database: DatabaseSync, sql: string): void {
  refuseClosed(database)
  try {
    database.exec(sql)
  } catch (error) {
    throw fromSqlite(`${sql} in state`, error)
  }
}

function refuseClosed(database: DatabaseSync): void {
  if (!database.isOpen) throw new AppError('closed', 'use state failed: it is closed')
}

interface Prepared {
  readonly statement: StatementSync
  readonly returnsRows: boolean
}

function createConnection(database: DatabaseSync): DatabaseConnection {
  const statements = new Map<string, Prepared>()

  function prepare(sql: string): Prepared {
    const known = statements.get(sql)
    if (known !== undefined) {
      statements.delete(sql)
      statements.set(sql, known)
      return known
    }
    const statement = database.prepare(sql)
    const prepared = { statement, returnsRows: statement.columns().length > 0 }
    statements.set(sql, prepared)
    const [oldest] = statements.keys()
    if (statements.size > maxStatements && oldest !== undefined) statements.delete(oldest)
    return prepared
  }

  async function executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    refuseClosed(database)
    try {
      const { statement, returnsRows } = prepare(query.sql)
      // The edge to SQL: repositories bind what schema.ts types, and answer what it types.
      const parameters = query.parameters as SQLInputValue[]
      if (returnsRows) return { rows: statement.all(...parameters) as Row[] }
      return { rows: [], numAffectedRows: BigInt(statement.run(...parameters).changes) }
    } catch (error) {
      throw fromSqlite('run state query', error)
    }
  }

  return {
    executeQuery,
    // All at once: whoever streams would hold the connection, and lists come in pages.
    async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
      yield await executeQuery<Row>(query)
    },
  }
}
