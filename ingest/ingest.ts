import type { Logger } from 'pino'
import { AppError, type Clock, type TopicRules } from '../model/index.ts'
import type { LogPosition, LogReader } from '../store/log/index.ts'
import type { ReadingStore } from '../store/readings/index.ts'
import { consumerName, createCommitter, type Positions } from './committer.ts'
import type { IngestConfig } from './config.ts'
import { Counters } from './counters.ts'
import { createGatherer } from './gatherer.ts'
import { handleFrame } from './handle-frame.ts'
import { createMessageHandler } from './handle-message.ts'
import { decodeMemory } from './memory/codec.ts'
import { Memory } from './memory/memory.ts'
import { createPipeline } from './pipeline.ts'
import type { Evaluator, IngestLedger, IngestQueries } from './ports.ts'
import { latestOf, presenceOf, statsOf } from './queries.ts'
import { createRejections } from './rejections.ts'
import { createRetry } from './retry.ts'
import { createRoutes } from './routes.ts'
import type { SeriesNames } from './series-names.ts'
import { createSeriesNaming } from './series-naming.ts'
import type { SnapshotFiles } from './snapshot-folder.ts'
import { beginningOf, createSnapshots } from './snapshots.ts'
import type { Step } from './step.ts'

export interface IngestDeps {
  /** Consumer name `ingest`. */
  readonly log: LogReader
  /**
   * Another reader of the same log, of no consumer: for readings that are read again once their store can take them.
   * Ingest closes it.
   */
  reopenLog(): LogReader
  /** Opened by `start`; the caller closes it after `stop`. */
  readonly readings: ReadingStore
  readonly series: SeriesNames
  readonly ledger: IngestLedger
  /** Who judges the readings; absent: nobody. */
  readonly evaluator?: Evaluator
  readonly snapshots: SnapshotFiles
  readonly topics: TopicRules
  /** Only for the age of what waits; what becomes of a message is a function of the log. */
  readonly clock: Clock
  readonly logger: Logger
  /** Called once, when ingest cannot go on: the process should end, a new one resumes from the log. */
  onFailure(error: unknown): void
}

export interface Ingest {
  /**
   * Resolves once the memory is loaded and reading has begun. Rejects when log, stores and snapshots do not fit
   * together.
   */
  start(): Promise<void>
  /** Stores what was decoded, and the memory, bounded by `stopTimeoutMs`; what is left waits in the log. */
  stop(): Promise<void>
  readonly queries: IngestQueries
}

export function createIngest(config: IngestConfig, deps: IngestDeps): Ingest {
  const { log, readings, series, ledger, topics, clock, logger } = deps
  const giveUp = new AbortController()
  const memory = new Memory(config)
  const counters = new Counters()
  const retry = createRetry(logger, giveUp.signal)
  const snapshots = createSnapshots(deps.snapshots, logger)
  const naming = createSeriesNaming(memory, series)
  const rejections = createRejections(memory, counters)
  const routes = createRoutes(memory, topics)
  const handleMessage = createMessageHandler(config, { memory, routes, naming, rejections, counters, logger })
  const committer = createCommitter({ log, readings, ledger, naming, snapshots, retry })
  const gatherer = createGatherer(config, { memory, naming, committer })
  const handle = (step: Step) => handleFrame(step, { memory, handleMessage, rejections, logger })
  const pipeline = createPipeline(config, { log, gatherer, retry, handle })
  let running: Promise<void> | undefined
  let started: Promise<void> | undefined

  async function openStores(): Promise<Positions> {
    await series.load()
    const positions = { readings: await readings.open(), ledger: await ledger.position(consumerName) }
    const { durable } = log.stats()
    const furthest = Math.max(positions.readings, positions.ledger)
    if (furthest <= durable) return positions
    throw new AppError('store_failed', `start ingest failed: stores reach to ${furthest}, the log only to ${durable}`)
  }

  /** What is not in the memory yet is read again, from the position that this resolves with. */
  async function restoreMemory(stored: Positions): Promise<LogPosition> {
    const snapshot = await snapshots.load(Math.min(stored.readings, stored.ledger))
    if (snapshot === undefined) return beginningOf(log.stats().tail)
    decodeMemory(snapshot.memory, memory, { addMetric: naming.addMetric })
    return snapshot.position
  }

  async function begin(): Promise<void> {
    const stored = await openStores()
    const position = await restoreMemory(stored)
    committer.resume(stored)
    logger.info({ position, ...stored }, 'ingest resumes')
    running = pipeline.run(position, stored)
    running.catch((error: unknown) => {
      if (giveUp.signal.aborted) return
      logger.fatal({ err: error }, 'ingest cannot go on')
      deps.onFailure(error)
    })
  }

  async function stop(): Promise<void> {
    // A start that failed has told its caller.
    await started?.catch(() => {})
    if (running === undefined) return
    pipeline.stop()
    const timeout = Promise.withResolvers<'timeout'>()
    const timer = setTimeout(() => timeout.resolve('timeout'), config.stopTimeoutMs)
    const outcome = await Promise.race([running.catch(() => 'failed' as const), timeout.promise])
    clearTimeout(timer)
    giveUp.abort()
    if (outcome === undefined) return
    const { storedPosition: position, waiting: readings } = gatherer
    logger.warn({ position, readings }, 'ingest stopped before everything was stored; the log keeps it')
  }

  return {
    start: () => (started ??= begin()),
    stop,
    queries: {
      presence: async (deviceIds) => deviceIds.map((deviceId) => presenceOf(memory, deviceId)),
      latest: async (seriesIds) => latestOf(memory, seriesIds),
      stats: async () => {
        const progress = {
          position: gatherer.storedPosition,
          storeDown: retry.failing,
          nowMs: clock.now(),
        }
        return statsOf(memory, counters, log.stats(), progress)
      },
    },
  }
}
