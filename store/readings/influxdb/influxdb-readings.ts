import PQueue from 'p-queue'
import type { Logger } from 'pino'
import { AppError, type Clock } from '../../../model/index.ts'
import { checkEdges, emptyBuckets, emptyReadings, wholeMs } from '../columns.ts'
import type { ReadingStore, SeriesCatalog } from '../reading-store.ts'
import { describeTarget, type InfluxdbReadingsConfig } from './config.ts'
import { createConnection } from './connection.ts'
import { storeError } from './errors.ts'
import { createKeeper } from './keeper.ts'
import { Layout } from './layout.ts'
import { selectBuckets, selectLatest, selectRange } from './queries.ts'
import { expireBefore } from './retention.ts'
import { createWriter } from './writer.ts'

export interface InfluxdbReadingsDeps {
  readonly catalog: SeriesCatalog
  /** The log that the readings are made from. */
  readonly logId: string
  readonly clock: Clock
  readonly logger: Logger
}

const dayMs = 86_400_000
const queriesAtOnce = 4
const mostWaitingQueries = 1_000
/** A stop does not wait longer for a server; what it has not heard of is merely sent again. */
const closeMs = 2_000

/** Readings in an InfluxDB, one point per device and time. */
export function createInfluxdbReadings(config: InfluxdbReadingsConfig, deps: InfluxdbReadingsDeps): ReadingStore {
  const { catalog, logId, clock, logger } = deps
  const connection = createConnection(config, logger)
  const layout = new Layout(catalog)
  const writer = createWriter(connection, layout)
  const keeper = createKeeper(config, { connection, layout, logId, clock, logger })
  const queries = new PQueue({ concurrency: queriesAtOnce })
  let state: 'new' | 'open' | 'closed' = 'new'
  /** Settles when all changes asked for so far are over. */
  let changes: Promise<unknown> = Promise.resolve()

  async function attempt<T>(action: string, work: () => Promise<T>): Promise<T> {
    if (state !== 'open') throw new AppError('closed', `${action} failed: the store is ${state}`)
    try {
      return await work()
    } catch (error) {
      if (state !== 'open') throw new AppError('closed', `${action} failed: the store is closed`, { cause: error })
      throw storeError({ action, url: config.url, target: describeTarget(config), nowMs: clock.now() }, error)
    }
  }

  /** One after the other. */
  function change<T>(action: string, work: () => Promise<T>): Promise<T> {
    const result = changes.then(() => attempt(action, work))
    changes = result.catch(() => undefined)
    return result
  }

  /** Beside each other and beside the changes. */
  async function query<T>(action: string, work: () => Promise<T>): Promise<T> {
    if (queries.size >= mostWaitingQueries)
      throw new AppError('store_unavailable', `${action} failed: ${queries.size} queries are waiting`, {
        retryable: true,
      })
    return queries.add(() => attempt(action, work))
  }

  return {
    remote: true,
    open: () => {
      if (state === 'new') state = 'open'
      return change('open readings', () => keeper.open())
    },
    write: (batch, position) =>
      change('store readings', async () => {
        try {
          await keeper.attend()
          const refused = await writer.write(batch)
          keeper.stored(position, refused.length === 0)
          return { refused }
        } catch (error) {
          keeper.doubt()
          throw error
        }
      }),
    range: (range) =>
      query('read readings', async () => {
        const path = layout.pathOf(range.seriesId)
        return path === undefined ? emptyReadings(0) : selectRange(connection, path, range)
      }),
    buckets: (buckets) =>
      query('aggregate readings', async () => {
        const path = layout.pathOf(buckets.seriesId)
        return path === undefined
          ? emptyBuckets(checkEdges(buckets.edgesMs).length - 1)
          : selectBuckets(connection, path, buckets)
      }),
    latest: (seriesIds) =>
      query('read the latest readings', () =>
        selectLatest(
          connection,
          Array.from(seriesIds, (seriesId) => layout.pathOf(seriesId)),
        ),
      ),
    expire: (beforeMs) =>
      change('expire readings', () => {
        const dayStartMs = Math.floor(wholeMs(beforeMs) / dayMs) * dayMs
        return expireBefore(connection, config, { beforeMs: dayStartMs, nowMs: clock.now() })
      }),
    stats: () =>
      attempt('count readings', async () => {
        return { readings: null, rows: null, bytes: null, lateRows: writer.lateRows }
      }),
    close: async () => {
      if (state === 'closed') return
      const wasOpen = state === 'open'
      state = 'closed'
      const over = Promise.withResolvers<void>()
      const timer = setTimeout(over.resolve, closeMs)
      const closing = wasOpen ? changes.then(() => keeper.close()).catch(() => undefined) : undefined
      await Promise.race([closing, over.promise])
      clearTimeout(timer)
      connection.close()
    },
  }
}
