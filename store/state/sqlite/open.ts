import type { Logger } from 'pino'
import { AppError, type Clock } from '../../../model/index.ts'
import type { StateConfig } from '../config.ts'
import { createState } from '../create-state.ts'
import { createMigrator, type Migrator } from '../migrator.ts'
import type { StateSchema } from '../schema.ts'
import type { State } from '../state.ts'
import { connect, useWriteAheadLog } from './connect.ts'

export interface StateDeps {
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Opens the state file for one thread; each thread opens its own, once: a second one there would wait for the first
 * without letting it go on. Two connections: the writer's transactions never make a read wait, and a read inside a
 * change cannot wait for that change.
 */
export async function openState(config: StateConfig, deps: StateDeps): Promise<State> {
  if (config.tokenSecret.length < 32)
    throw new AppError('invalid_input', `open state failed: the token secret has ${config.tokenSecret.length} bytes`)
  const writer = connect(config, config.migrate ? 'create' : 'write')
  try {
    if (config.migrate) await useWriteAheadLog(writer.db)
    await bringUpToDate(createMigrator(writer.db, deps.clock), config, deps)
    writer.trackWrites()
    const reader = connect(config, 'read')
    // The writer last: the last connection to go folds the write-ahead log into the file.
    const close = () => reader.close().then(writer.close)
    const connections = { reader: reader.db.withTables<StateSchema>(), writer: writer.db.withTables<StateSchema>() }
    return createState({ ...connections, close }, config, deps.clock)
  } catch (error) {
    await writer.close()
    throw error
  }
}

async function bringUpToDate(migrator: Migrator, config: StateConfig, deps: StateDeps): Promise<void> {
  if (config.migrate) {
    const applied = await migrator.up()
    if (applied.length > 0) deps.logger.info({ file: config.file, applied }, 'state migrated')
    return
  }
  const { current, latest } = await migrator.status()
  if (current === latest) return
  const message = `open state ${config.file} failed: it is at migration ${current} of ${latest}; migrate it up first`
  throw new AppError('store_unavailable', message, { retryable: true })
}

export type OpenMigrator = Migrator & { close(): Promise<void> }

/** For the command line, while no platform runs: the migrator of a state file, which is made when there is none. */
export function openMigrator(config: Pick<StateConfig, 'file' | 'busyTimeoutMs'>, clock: Clock): OpenMigrator {
  const { db, close } = connect(config, 'create')
  return { ...createMigrator(db, clock), close }
}
