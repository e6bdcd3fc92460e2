import PQueue from 'p-queue'
import type { Logger } from 'pino'
import { AppError, type Clock, isAppError } from '../../../model/index.ts'
import { checkEdges, emptyBuckets, emptyReadings, wholeMs } from '../columns.ts'
import type {
  BucketColumns,
  BucketQuery,
  ReadingStore,
  RollableStore,
  RollUp,
  RollUpStep,
  SeriesCatalog,
} from '../reading-store.ts'
import { selectBuckets } from './bucket-queries.ts'
import { describeTarget, type InfluxdbReadingsConfig } from './config.ts'
import { createConnection } from './connection.ts'
import { storeError } from './errors.ts'
import { createKeeper } from './keeper.ts'
import { Layout } from './layout.ts'
import { selectLatest, selectRange } from './queries.ts'
import { createQuestionLog } from './question-log.ts'
import { createReach } from './reach.ts'
import { expireBefore, expireRolled, rollupPolicy } from './retention.ts'
import { linesOfRollups, noRollups, selectRollups } from './rolled-copy.ts'
import { createRoller } from './roller.ts'
import { Rollups } from './rollups.ts'
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
export function createInfluxdbReadings(
  config: InfluxdbReadingsConfig,
  deps: InfluxdbReadingsDeps,
): ReadingStore & RollableStore {
  const { catalog, logId, clock, logger } = deps
  const connection = createConnection(config, logger)
  const layout = new Layout(catalog)
  const rollups = new Rollups(connection)
  /** Only within a change. */
  const loadRollups = () => rollups.load(() => rollupPolicy(connection, config))
  const writer = createWriter({ connection, layout, rollups })
  const keeper = createKeeper(config, { connection, layout, logId, clock, logger })
  const queries = new PQueue({ concurrency: queriesAtOnce })
  const questions = createQuestionLog(logger, clock)
  const reach = createReach({ ping: connection.ping, nowMs: () => clock.now() })
  let state: 'new' | 'open' | 'closed' = 'new'
  /** Settles when all changes asked for so far are over. */
  let changes: Promise<unknown> = Promise.resolve()
  /** The same of rolling up, which goes on beside the changes. */
  let rolling: Promise<unknown> = Promise.resolve()

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
    return queries.add(async () => {
      try {
        const answer = await attempt(action, () => reach.ask(work))
        questions.answered()
        return answer
      } catch (error) {
        if (!isAppError(error, 'closed')) questions.failed(error)
        throw error
      }
    })
  }

  const roller = createRoller({
    connection,
    rollups,
    nowMs: () => clock.now(),
    change: (work) => change('roll up readings', work),
  })

  function roll<T>(work: () => Promise<T>): Promise<T> {
    const result = rolling.then(() => attempt('roll up readings', work))
    rolling = result.catch(() => undefined)
    return result
  }

  async function knowRollups(): Promise<void> {
    if (!rollups.loaded) await change('read rollups', loadRollups)
  }

  async function rollUp(beforeMs: number, what: RollUp): Promise<RollUpStep | undefined> {
    return roll(async () => {
      await knowRollups()
      return roller.step(wholeMs(beforeMs), what)
    })
  }

  async function aggregate(query: BucketQuery): Promise<BucketColumns> {
    const path = layout.pathOf(query.seriesId)
    if (path === undefined) return emptyBuckets(checkEdges(query.edgesMs).length - 1)
    for (let attempts = 0; ; attempts++) {
      await knowRollups()
      const buckets = await selectBuckets({ connection, path, rollups }, query)
      if (buckets !== undefined) return buckets
      // It was dropped, or set back, and nothing was written since.
      rollups.forget()
      if (attempts === 2)
        throw new AppError('store_unavailable', 'aggregate readings failed: influxdb is being changed', {
          retryable: true,
        })
    }
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
          await loadRollups()
          const refused = await writer.write(batch)
          keeper.stored(position, refused.length === 0)
          return { refused }
        } catch (error) {
          keeper.doubt()
          if (isAppError(error, 'store_emptied')) rollups.forget()
          throw error
        }
      }),
    range: (range) =>
      query('read readings', async () => {
        const path = layout.pathOf(range.seriesId)
        return path === undefined ? emptyReadings(0) : selectRange(connection, path, range)
      }),
    buckets: (buckets) => query('aggregate readings', () => aggregate(buckets)),
    latest: (seriesIds) =>
      query('read the latest readings', () =>
        selectLatest(
          connection,
          Array.from(seriesIds, (seriesId) => layout.pathOf(seriesId)),
        ),
      ),
    expire: async (beforeMs, rollupsBeforeMs = beforeMs) => {
      const [rawMs, rolledMs] = [dayStart(beforeMs), dayStart(Math.min(beforeMs, rollupsBeforeMs))]
      if (rolledMs < rawMs) while ((await rollUp(rawMs, 'all')) !== undefined);
      await roll(() =>
        change('expire readings', async () => {
          const nowMs = clock.now()
          await loadRollups()
          await rollups.loseRaw(rolledMs < rawMs ? rawMs : Number.NEGATIVE_INFINITY, nowMs)
          await expireBefore(connection, config, { beforeMs: rawMs, nowMs })
          await expireRolled(connection, config, { beforeMs: rolledMs, nowMs, policy: rollups.policy })
        }),
      )
    },
    rollUp,
    outlivedMs: () =>
      query('read rollups', async () => {
        await knowRollups()
        return rollups.rawFromMs
      }),
    rollups: (range) =>
      query('read rollups', async () => {
        await knowRollups()
        const path = layout.pathOf(range.seriesId)
        return path === undefined ? noRollups : selectRollups({ connection, path, rollups }, range)
      }),
    takeRollups: (seriesId, taken) =>
      change('take rollups', async () => {
        await keeper.attend()
        await loadRollups()
        for (const lines of linesOfRollups(layout.placeOfSeries(seriesId), taken))
          await connection.write(lines, rollups.policy)
      }),
    outlive: (beforeMs) =>
      change('take rollups', async () => {
        await loadRollups()
        const rawFromMs = Math.max(dayStart(beforeMs), rollups.rawFromMs)
        if (rollups.untilMs < rawFromMs) await rollups.reach(rawFromMs, clock.now())
        await rollups.loseRaw(rawFromMs, clock.now())
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

function dayStart(timeMs: number): number {
  return Math.floor(wholeMs(timeMs) / dayMs) * dayMs
}
