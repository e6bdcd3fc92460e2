import {
  AliasNode,
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type OperationNode,
  type QueryResult,
  TableNode,
} from 'kysely'
import { AppError } from '../../model/index.ts'
import { type DataKind, dataKinds, kindOfTable } from './data-kinds.ts'

export interface TrackedDialect {
  readonly dialect: Dialect
  /** From now on; before, the table of the versions may not be there yet. */
  begin(): void
}

/**
 * Counts up, in the same transaction, the versions of what a transaction wrote. Down here and not where the writes are, because
 * here none is forgotten: neither one of the account library nor one of a repository that is still to be written.
 */
export function trackWrites(dialect: Dialect): TrackedDialect {
  let on = false
  return {
    dialect: {
      createDriver: () => trackingDriver(dialect.createDriver(), (query) => (on ? kindsWritten(query) : none)),
      createQueryCompiler: () => dialect.createQueryCompiler(),
      createAdapter: () => dialect.createAdapter(),
      createIntrospector: (db) => dialect.createIntrospector(db),
    },
    begin() {
      on = true
    },
  }
}

type KindsOfQuery = (query: CompiledQuery) => readonly DataKind[]

function trackingDriver(driver: Driver, kindsOfQuery: KindsOfQuery): Driver {
  // A driver hands out the same connections again and again.
  const byInner = new WeakMap<DatabaseConnection, TrackedConnection>()
  const byOuter = new WeakMap<DatabaseConnection, TrackedConnection>()

  function of(connection: DatabaseConnection): TrackedConnection {
    const tracked = byOuter.get(connection)
    if (tracked === undefined) throw new AppError('internal', 'use a connection of another driver failed')
    return tracked
  }

  return {
    init: () => driver.init(),
    async acquireConnection(options) {
      const inner = await driver.acquireConnection(options)
      const tracked = byInner.get(inner) ?? trackConnection(driver, inner, kindsOfQuery)
      byInner.set(inner, tracked)
      byOuter.set(tracked.outer, tracked)
      return tracked.outer
    },
    beginTransaction: (connection) => of(connection).begin(),
    commitTransaction: (connection) => of(connection).commit(),
    rollbackTransaction: (connection) => of(connection).rollback(),
    releaseConnection: (connection) => driver.releaseConnection(of(connection).inner),
    destroy: () => driver.destroy(),
  }
}

interface TrackedConnection {
  readonly inner: DatabaseConnection
  /** As Kysely sees it. */
  readonly outer: DatabaseConnection
  begin(): Promise<void>
  commit(): Promise<void>
  rollback(): Promise<void>
}

function trackConnection(driver: Driver, inner: DatabaseConnection, kindsOfQuery: KindsOfQuery): TrackedConnection {
  /** By the transaction that runs; undefined: none does. */
  let written: Set<DataKind> | undefined

  async function begin(): Promise<void> {
    await driver.beginTransaction(inner, {})
    written = new Set()
  }

  async function commit(): Promise<void> {
    if (written !== undefined && written.size > 0) await inner.executeQuery(countUp([...written]))
    await driver.commitTransaction(inner)
    written = undefined
  }

  async function rollback(): Promise<void> {
    written = undefined
    await driver.rollbackTransaction(inner)
  }

  async function executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const kinds = kindsOfQuery(query)
    if (kinds.length === 0) return inner.executeQuery<Row>(query)
    if (written === undefined) return alone<Row>(query)
    const result = await inner.executeQuery<Row>(query)
    const changed = result.numAffectedRows === undefined ? result.rows.length > 0 : result.numAffectedRows > 0n
    if (changed) for (const kind of kinds) written.add(kind)
    return result
  }

  /** A write that brings no transaction of its own. */
  async function alone<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    await begin()
    try {
      const result = await executeQuery<Row>(query)
      await commit()
      return result
    } catch (error) {
      await rollback()
      throw error
    }
  }

  const outer: DatabaseConnection = {
    executeQuery,
    streamQuery: (query, chunkSize) => inner.streamQuery(query, chunkSize),
  }
  return { inner, outer, begin, commit, rollback }
}

/** SQL that both databases know. */
function countUp(kinds: readonly DataKind[]): CompiledQuery {
  const rows = kinds.map((kind) => `('${kind}', 1)`).join(', ')
  return CompiledQuery.raw(
    `insert into data_versions (kind, version) values ${rows} ` +
      'on conflict (kind) do update set version = data_versions.version + 1',
  )
}

const none: readonly DataKind[] = []
const rawWrite = /^\s*(?:insert|update|delete|replace|merge|with)\b/i

function kindsWritten({ query, sql }: CompiledQuery): readonly DataKind[] {
  switch (query.kind) {
    case 'InsertQueryNode':
    case 'MergeQueryNode':
      return kindsOf(query.into)
    case 'UpdateQueryNode':
      return kindsOf(query.table)
    case 'DeleteQueryNode':
      return query.from.froms.flatMap(kindsOf)
    case 'RawNode':
      // What it writes nobody has said.
      return rawWrite.test(sql) ? dataKinds : none
    default:
      return none
  }
}

function kindsOf(node: OperationNode | undefined): readonly DataKind[] {
  if (node === undefined) return none
  if (AliasNode.is(node)) return kindsOf(node.node)
  if (!TableNode.is(node)) return dataKinds
  const kind = kindOfTable.get(node.table.identifier.name)
  return kind === undefined || kind === null ? none : [kind]
}
