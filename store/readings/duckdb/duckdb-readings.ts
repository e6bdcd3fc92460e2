import { stat } from 'node:fs/promises'
import type { Logger } from 'pino'
import { AppError } from '../../../model/index.ts'
import { checkEdges, emptyBuckets, emptyReadings, wholeMs } from '../columns.ts'
import type { ReadingStore, SeriesCatalog } from '../reading-store.ts'
import { rewriteSlice, sliceDay } from './compaction.ts'
import type { DuckdbReadingsConfig } from './config.ts'
import type { Database } from './database.ts'
import { needsReopening, storeError } from './errors.ts'
import { selectLatest } from './latest.ts'
import { selectBuckets, selectRange } from './queries.ts'
import { removeBefore, removeSlot } from './removal.ts'

const dayMs = 86_400_000

/** A store that answers faster about a day once that day has been rewritten. */
export interface CompactableStore {
  /** Rewrites a UTC day that is over, in slices between which writes go on; resolves with its rows. */
  compact(dayStartMs: number): Promise<number>
}

export interface DuckdbReadingsDeps {
  readonly catalog: SeriesCatalog
  readonly logger: Logger
}

/** One file, one owner: DuckDB's lock does not hold between threads of one process, so no other thread may open it. */
export function createDuckdbReadings(
  config: DuckdbReadingsConfig,
  { catalog, logger }: DuckdbReadingsDeps,
): ReadingStore & CompactableStore {
  let database: Database | undefined
  let state: 'new' | 'open' | 'closed' = 'new'
  let lastChange: Promise<unknown> = Promise.resolve()

  // DuckDB itself is loaded by the thread that opens the store, not by all that know its settings.
  async function openFile(): Promise<Database> {
    const { openDatabase } = await import('./database.ts')
    return openDatabase(config, catalog)
  }

  async function opened(): Promise<Database> {
    if (state !== 'open') throw new AppError('closed', `use readings failed: the store is ${state}`)
    if (database !== undefined) return database
    database = await openFile()
    logger.info({ path: config.path }, 'readings opened again')
    return database
  }

  async function guarded<T>(action: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (needsReopening(error) && database !== undefined) {
        logger.warn({ err: error, path: config.path }, 'readings must be opened again')
        const broken = database
        database = undefined
        await broken.close().catch(() => undefined)
      }
      throw storeError(action, error)
    }
  }

  /** Changes run one after the other, whoever asks for them. */
  function change<T>(action: string, work: (database: Database) => Promise<T>): Promise<T> {
    const result = lastChange.then(() => guarded(action, async () => work(await opened())))
    lastChange = result.catch(() => undefined)
    return result
  }

  function query<T>(action: string, work: (database: Database) => Promise<T>): Promise<T> {
    return guarded(action, async () => {
      if (state === 'open' && database === undefined)
        throw new AppError('store_unavailable', `${action} failed: the file is to be opened again`, { retryable: true })
      return work(await opened())
    })
  }

  return {
    open: () =>
      guarded(`open readings ${config.path}`, async () => {
        if (state === 'closed') throw new AppError('closed', 'open readings failed: the store is closed')
        database ??= await openFile()
        state = 'open'
        return database.writer.ledger.position
      }),
    write: (batch, position) => change(`store ${batch.length} readings`, ({ writer }) => writer.write(batch, position)),
    range: (range) =>
      query(`read series ${range.seriesId}`, async ({ readers, writer }) => {
        const slot = writer.layout.slotOf(range.seriesId)
        return slot === undefined ? emptyReadings(0) : readers.use((session) => selectRange(session, slot, range))
      }),
    buckets: (buckets) =>
      query(`aggregate series ${buckets.seriesId}`, async ({ readers, writer }) => {
        const slot = writer.layout.slotOf(buckets.seriesId)
        return slot === undefined
          ? emptyBuckets(checkEdges(buckets.edgesMs).length - 1)
          : readers.use((session) => selectBuckets(session, slot, buckets))
      }),
    latest: (seriesIds) =>
      query(`read the latest of ${seriesIds.length} series`, ({ readers, writer }) => {
        const slots = Array.from(seriesIds, (seriesId) => writer.layout.slotOf(seriesId))
        return readers.use((session) => selectLatest(session, slots))
      }),
    remove: (seriesId, fromMs, toMs) =>
      change(`remove readings of series ${seriesId}`, async ({ writer }) => {
        const slot = writer.layout.slotOf(seriesId)
        const before = writer.ledger.readings
        const range = { fromMs: wholeMs(fromMs), toMs: wholeMs(toMs) }
        if (slot !== undefined) await writer.change((session) => removeSlot(session, slot, range))
        return before - writer.ledger.readings
      }),
    expire: (beforeMs) =>
      change('expire readings', async ({ writer }) => {
        const dayStartMs = Math.floor(wholeMs(beforeMs) / dayMs) * dayMs
        await writer.change((session) => removeBefore(session, writer.layout.tables, dayStartMs))
      }),
    compact: async (dayStartMs) => {
      const action = 'compact readings'
      const slices = await change(action, ({ session, writer }) => sliceDay(session, writer.layout.tables, dayStartMs))
      for (const slice of slices) await change(action, ({ session }) => rewriteSlice(session, slice))
      return slices.reduce((sum, { rows }) => sum + rows, 0)
    },
    stats: () =>
      query('count readings', async ({ writer }) => {
        const { readings, rows, lateRows } = writer.ledger
        return { readings, rows, lateRows, bytes: (await sizeOf(config.path)) + (await sizeOf(`${config.path}.wal`)) }
      }),
    close: async () => {
      if (state === 'closed') return
      state = 'closed'
      await lastChange
      await database?.close()
      database = undefined
    },
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch {
    // The write-ahead log comes and goes.
    return 0
  }
}
