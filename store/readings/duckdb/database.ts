import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { AppError } from '../../../model/index.ts'
import type { DuckdbReadingsConfig } from './config.ts'
import { createQuestions, type Questions } from './questions.ts'
import { createReaderPool, type ReaderPool } from './reader-pool.ts'
import { prepareSchema } from './schema.ts'
import { createSession, type Session } from './session.ts'
import { openWriter, type Writer, type WriterDeps } from './writer.ts'

/** The file, open: one writer and some readers. */
export interface Database {
  readonly writer: Writer
  readonly session: Session
  readonly readers: ReaderPool
  readonly questions: Questions
  /**
   * Folds the write-ahead log into the file, as far as that succeeds, and lets go of the file. Queries that wait are
   * refused with `reason`.
   */
  close(reason: AppError): Promise<void>
}

export async function openDatabase(config: DuckdbReadingsConfig, deps: WriterDeps): Promise<Database> {
  await mkdir(dirname(config.path), { recursive: true })
  const instance = await DuckDBInstance.create(config.path, {
    memory_limit: `${config.memoryMb}MB`,
    threads: String(config.threads),
    checkpoint_threshold: `${config.checkpointMb}MB`,
    // Nothing is ever fetched from elsewhere.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    enable_external_access: 'false',
  })
  const sessions: Session[] = []
  try {
    const session = createSession(await instance.connect())
    sessions.push(session)
    await prepareSchema(session)
    const writer = await openWriter(session, deps)
    const readerSessions = []
    for (let i = 0; i < config.readers; i++) {
      const reader = createSession(await instance.connect())
      sessions.push(reader)
      readerSessions.push(reader)
    }
    const readers = createReaderPool(readerSessions, config.maxWaitingQueries)
    return {
      writer,
      session,
      readers,
      questions: createQuestions(readers, writer),
      close: async (reason) => {
        await readers.close(reason)
        await session.run('CHECKPOINT').catch(() => undefined)
        session.close()
        instance.closeSync()
      },
    }
  } catch (error) {
    for (const session of sessions) session.close()
    instance.closeSync()
    throw error
  }
}
