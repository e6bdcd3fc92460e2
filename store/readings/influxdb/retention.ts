import { type InfluxdbReadingsConfig, targetOf } from './config.ts'
import type { Connection } from './connection.ts'
import { isMissing, RefusedRequest } from './errors.ts'
import { isRolledMeasurement, quoteCarried, quoteName, receivedField } from './names.ts'
import type { ResultTable } from './query.ts'

const dayMs = 86_400_000
/** Of a database that was made here: its duration is ours to set. */
const ownPolicy = 'pelbiot'

/** Makes a database of InfluxDB 1.x that is missing; false where that is not possible or not allowed. */
export async function makeDatabase(connection: Connection, config: InfluxdbReadingsConfig): Promise<boolean> {
  if (config.bucket !== undefined) return false
  const { database, retentionPolicy = ownPolicy } = targetOf(config)
  try {
    await all(connection.query(`CREATE DATABASE ${quoteName(database)} WITH NAME ${quoteName(retentionPolicy)}`))
    return true
  } catch {
    // What was missing says more than that it could not be made.
    return false
  }
}

/**
 * Removes what is older than `beforeMs`, the beginning of a UTC day. Where the database was made here its retention policy
 * does that, whole shards at a time, and is told the duration; where the server keeps less anyway nothing is left to do; elsewhere
 * the points are deleted, of our measurements only.
 */
export async function expireBefore(
  connection: Connection,
  config: InfluxdbReadingsConfig,
  { beforeMs, nowMs }: Expiry,
): Promise<void> {
  const { database } = targetOf(config)
  const policy = await findPolicy(connection, config)
  const keptMs = policy?.durationMs ?? Number.POSITIVE_INFINITY
  if (nowMs - keptMs >= beforeMs) return
  const days = Math.ceil((nowMs - beforeMs) / dayMs)
  if (policy?.name === ownPolicy && days > 0) {
    const alter = `ALTER RETENTION POLICY ${quoteName(ownPolicy)} ON ${quoteName(database)} DURATION ${days}d`
    if (keptMs !== days * dayMs) await all(connection.query(alter))
    return
  }
  const ours = (await all(connection.query('SHOW FIELD KEYS'))).filter(({ rows }) =>
    rows.some(([field]) => field === receivedField),
  )
  for (const { name = '' } of ours)
    await all(connection.query(`DELETE FROM ${quoteCarried(name)} WHERE time < ${beforeMs}ms`))
}

/** Of rollups in a database that was made here: they outlive the readings. */
const rollupsPolicy = 'pelbiot_rollups'

/** Where rollups go, made where it is missing; undefined: where the readings are, for their retention is not ours. */
export async function rollupPolicy(
  connection: Connection,
  config: InfluxdbReadingsConfig,
): Promise<string | undefined> {
  const { database } = targetOf(config)
  try {
    const policy = await findPolicy(connection, config)
    if (policy?.name !== ownPolicy) return undefined
    const create = `CREATE RETENTION POLICY ${quoteName(rollupsPolicy)} ON ${quoteName(database)} DURATION INF REPLICATION 1`
    if ((await findPolicy(connection, config, rollupsPolicy)) === undefined) await all(connection.query(create))
    return rollupsPolicy
  } catch (error) {
    // 2.x and 3.x may not know policies by that question.
    if (error instanceof RefusedRequest && error.status < 429 && !isMissing(error)) return undefined
    throw error
  }
}

/** Removes rollups, and what is noted of them, from before `beforeMs`; `policy` as `rollupPolicy` says. */
export async function expireRolled(
  connection: Connection,
  config: InfluxdbReadingsConfig,
  { beforeMs, nowMs, policy }: Expiry & { readonly policy: string | undefined },
): Promise<void> {
  const days = Math.ceil((nowMs - beforeMs) / dayMs)
  if (policy !== undefined && days > 0) {
    const found = await findPolicy(connection, config, policy)
    const alter = `ALTER RETENTION POLICY ${quoteName(policy)} ON ${quoteName(targetOf(config).database)} DURATION ${days}d`
    if (found?.durationMs !== days * dayMs) await all(connection.query(alter))
    return
  }
  const [names] = await all(connection.query('SHOW MEASUREMENTS'))
  for (const [name] of names?.rows ?? [])
    if (isRolledMeasurement(String(name)))
      await all(connection.query(`DELETE FROM ${quoteCarried(String(name))} WHERE time < ${beforeMs}ms`))
}

interface Expiry {
  readonly beforeMs: number
  readonly nowMs: number
}

interface Policy {
  readonly name: string
  readonly durationMs: number
}

async function findPolicy(
  connection: Connection,
  config: InfluxdbReadingsConfig,
  wanted = targetOf(config).retentionPolicy,
): Promise<Policy | undefined> {
  const { database } = targetOf(config)
  const [answer] = await all(connection.query(`SHOW RETENTION POLICIES ON ${quoteName(database)}`))
  if (answer === undefined) return undefined
  const [nameColumn, durationColumn, defaultColumn] = ['name', 'duration', 'default'].map((column) =>
    answer.columns.indexOf(column),
  )
  for (const row of answer.rows) {
    const name = String(row[nameColumn ?? -1])
    const isWanted = wanted === undefined ? row[defaultColumn ?? -1] === true : name === wanted
    if (isWanted) return { name, durationMs: durationMs(String(row[durationColumn ?? -1])) }
  }
  return undefined
}

/** Go's way to write a duration: `168h0m0s`; `0s` is for ever. */
function durationMs(text: string): number {
  const [, hours = '0', minutes = '0', seconds = '0'] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text) ?? []
  const ms = Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Number(seconds) * 1_000
  return ms === 0 ? Number.POSITIVE_INFINITY : ms
}

async function all(answer: AsyncIterable<ResultTable>): Promise<ResultTable[]> {
  const tables: ResultTable[] = []
  for await (const table of answer) tables.push(table)
  return tables
}
