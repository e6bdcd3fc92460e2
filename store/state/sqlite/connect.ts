import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { Kysely, sql } from 'kysely'
import { AppError, isAppError } from '../../../model/index.ts'
import type { StateConfig } from '../config.ts'
import { trackWrites } from '../track-writes.ts'
import { createSqliteDialect } from './dialect.ts'
import { fromSqlite } from './errors.ts'

/** Bounds the write-ahead log's file after a large transaction. */
const maxWalBytes = 64 * 1024 * 1024
/** 16 MB between two checkpoints instead of 4: each costs two fsyncs more, a fifth of the time of small changes. */
const checkpointPages = 4_000

export interface Connection {
  readonly db: Kysely<unknown>
  /** From now on writes count up the versions of what they write to; to be called once its tables are there. */
  trackWrites(): void
  /** After what was asked before; whoever asks later gets `closed`. */
  close(): Promise<void>
}

export type ConnectionUse = 'create' | 'write' | 'read'

export function connect(config: Pick<StateConfig, 'file' | 'busyTimeoutMs'>, use: ConnectionUse): Connection {
  const { file, busyTimeoutMs } = config
  if (use !== 'create' && !existsSync(file))
    throw new AppError('store_unavailable', `open state ${file} failed: there is none yet`, { retryable: true })
  try {
    const database = new DatabaseSync(file, { timeout: busyTimeoutMs, readOnly: use === 'read' })
    try {
      if (use !== 'read') {
        database.exec(`pragma synchronous = full; pragma wal_autocheckpoint = ${checkpointPages}`)
        database.exec(`pragma journal_size_limit = ${maxWalBytes}`)
      }
      database.exec('pragma foreign_keys = on; pragma trusted_schema = off')
    } catch (error) {
      database.close()
      throw error
    }
    const { dialect, begin } = trackWrites(createSqliteDialect(database))
    const db = new Kysely<unknown>({ dialect })
    const close = async () => {
      if (database.isOpen) database.close()
    }
    return { db, trackWrites: begin, close: () => db.connection().execute(close) }
  } catch (error) {
    throw fromSqlite(`open state ${file}`, error)
  }
}

const walAttempts = 100
const walRetryMs = 10

/** The file stays in this mode. Changing it fails at once, unheard by the busy timeout, while another one opens it. */
export async function useWriteAheadLog(db: Kysely<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await sql`pragma journal_mode = wal`.execute(db)
      return
    } catch (error) {
      if (!isAppError(error, 'store_unavailable') || attempt === walAttempts) throw error
      await delay(walRetryMs)
    }
  }
}
