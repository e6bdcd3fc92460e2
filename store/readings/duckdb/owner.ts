import type { Logger } from 'pino'
import { AppError } from '../../../model/index.ts'
import type { SeriesCatalog } from '../reading-store.ts'
import type { DuckdbReadingsConfig } from './config.ts'
import type { Database } from './database.ts'
import { needsReopening, storeError } from './errors.ts'

export interface DuckdbReadingsDeps {
  readonly catalog: SeriesCatalog
  /** The log that the readings are made from. */
  readonly logId: string
  readonly logger: Logger
}

/**
 * The one who opens the file, and opens it again after an error that DuckDB does not survive (a checkpoint on a full
 * disk). Never twice at once: two databases on one file corrupt it, and within a process DuckDB's lock does not hold.
 */
export interface DatabaseOwner {
  open(): Promise<Database>
  /** Changes run one after the other, whoever asks for them. `action` begins the message of an error. */
  change<T>(action: string, work: (database: Database) => Promise<T>): Promise<T>
  /** Queries run beside each other and beside the changes. */
  query<T>(action: string, work: (database: Database) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export function createDatabaseOwner(
  config: DuckdbReadingsConfig,
  { catalog, logId, logger }: DuckdbReadingsDeps,
): DatabaseOwner {
  let database: Database | undefined
  let state: 'new' | 'open' | 'closed' = 'new'
  let failing = false
  /** Settles when all changes asked for so far are over. */
  let changes: Promise<unknown> = Promise.resolve()
  let discarded: Promise<unknown> = Promise.resolve()

  /** Only within the queue of changes. */
  async function opened(action: string): Promise<Database> {
    if (state !== 'open') throw new AppError('closed', `${action} failed: the store is ${state}`)
    await discarded
    try {
      // DuckDB itself is loaded by the thread that opens the store, not by all that know its settings.
      const { openDatabase } = await import('./database.ts')
      database ??= await openDatabase(config, { catalog, logId })
      return database
    } catch (error) {
      throw storeError(action, error)
    }
  }

  function failed(action: string, error: unknown, of: { database: Database; idle: Promise<unknown> }): AppError {
    if (needsReopening(error) && of.database === database) {
      database = undefined
      const reason = new AppError('store_unavailable', 'query readings failed: file is opened again', {
        retryable: true,
      })
      discarded = of.idle.then(() => of.database.close(reason)).catch(() => undefined)
      // The first failure and the recovery are logged; each failure is told to its caller.
      if (!failing) logger.warn({ err: error, path: config.path }, 'readings failed, file will be opened again')
      failing = true
    }
    return storeError(action, error)
  }

  function change<T>(action: string, work: (database: Database) => Promise<T>): Promise<T> {
    const result = changes.then(async () => {
      const current = await opened(action)
      try {
        return await work(current)
      } catch (error) {
        throw failed(action, error, { database: current, idle: Promise.resolve() })
      }
    })
    changes = result.catch(() => undefined)
    return result
  }

  function recovered(): void {
    if (!failing) return
    failing = false
    logger.info({ path: config.path }, 'readings work again')
  }

  return {
    open: () => {
      if (state === 'new') state = 'open'
      return change(`open readings ${config.path}`, async (current) => current)
    },
    change: async (action, work) => {
      const result = await change(action, work)
      recovered()
      return result
    },
    query: async (action, work) => {
      const current = database ?? (await change(action, async (reopened) => reopened))
      try {
        return await work(current)
      } catch (error) {
        throw failed(action, error, { database: current, idle: changes })
      }
    },
    close: async () => {
      if (state === 'closed') return
      state = 'closed'
      await changes
      await discarded
      await database?.close(new AppError('closed', 'query readings failed: the store is closed'))
      database = undefined
    },
  }
}
