import type { Logger } from 'pino'
import type { Clock, TopicRules } from '../model/index.ts'
import type { LogPosition, LogReader } from '../store/log/index.ts'
import type { ReadingStore } from '../store/readings/index.ts'
import { createCatchUp } from './catch-up.ts'
import { createCommitter } from './committer.ts'
import type { IngestConfig } from './config.ts'
import { Counters } from './counters.ts'
import { createGatherer } from './gatherer.ts'
import { createLive } from './live/live.ts'
import { MessageViews } from './message-views.ts'
import { createPass } from './pass.ts'
import { createPipeline } from './pipeline.ts'
import type { Evaluator, IngestLedger, IngestQueries, LiveQueries } from './ports.ts'
import { latestOf, presenceOf, statsOf } from './queries.ts'
import { createRecording } from './recording.ts'
import { createRemember } from './remember.ts'
import { restore } from './restore.ts'
import { createRetry } from './retry.ts'
import type { SeriesNames } from './series-names.ts'
import { createSeriesNaming } from './series-naming.ts'
import type { SnapshotFiles } from './snapshot-folder.ts'
import { createSnapshots } from './snapshots.ts'
import { createWalk } from './walk.ts'
import { within } from './within.ts'

export interface IngestDeps {
  /** Who the log is: what was made from another one is refused. */
  readonly logId: string
  /** Consumer name `ingest`. */
  readonly log: LogReader
  /**
   * Another reader of the same log, of no consumer: the rules go on with it while the consumer's waits for the readings
   * store. Ingest closes it.
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
  /** Only for the age of what waits, and when to wait no longer; what becomes of a message is a function of the log. */
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
  /**
   * Stores what was decoded, and the memory, bounded by `stopTimeoutMs`; what is left waits in the log. Once it resolves,
   * also after a failure, nothing of it is stored any more; only a step that hangs in its store is left alone.
   */
  stop(): Promise<void>
  readonly queries: IngestQueries
  readonly live: LiveQueries
}

/** A step that is under way when ingest gives up gets so long to end. */
const underWayMs = 2_000

export function createIngest(config: IngestConfig, deps: IngestDeps): Ingest {
  const { log, readings, series, ledger, evaluator, topics, clock, logger } = deps
  const giveUp = new AbortController()
  const counters = new Counters()
  const views = new MessageViews(config.messageViewMb * 1024 * 1024)
  const retry = createRetry(logger, giveUp.signal)
  const snapshots = createSnapshots({ files: deps.snapshots, logId: deps.logId, logger })
  const naming = createSeriesNaming(series)
  const newPass = () => createPass(config, { naming, counters, views, topics, logger })
  const pass = newPass()
  /** What the snapshot's evaluator had seen it does not see again. */
  let judged: LogPosition = 0
  const judgedPosition = () => Math.max(judged, walk.position)
  const onFailure = (error: unknown) => pipeline.fail(error)
  const recording = createRecording({ evaluator, retry, judgedPosition, onFailure })
  const committer = createCommitter({ log, readings, ledger, recording, naming, snapshots, retry, series, counters })
  const remember = createRemember(evaluator, judgedPosition)
  const gatherer = createGatherer(config, { naming, committer, remember })
  const walk = createWalk(pass, gatherer, evaluator)
  const catchUp = createCatchUp(config, {
    ...{ log, gatherer, committer, snapshots, retry, logger },
    reopenLog: deps.reopenLog,
    createPass: newPass,
  })
  const hurried = evaluator === undefined ? undefined : catchUp
  const live = createLive({ memory: pass.memory, naming, clock, position: () => walk.position })
  const parts = { log, walk, gatherer, recording, catchUp: hurried, retry, live, clock }
  const pipeline = createPipeline(config, { ...parts, onFailure: fail })
  let running: Promise<void> | undefined
  let started: Promise<void> | undefined

  async function begin(): Promise<void> {
    await series.load()
    const resumption = await restore({
      logId: deps.logId,
      log,
      readings,
      series,
      ledger,
      evaluator,
      snapshots,
      pass,
      logger,
    })
    const { position, stored, recorded } = resumption
    judged = resumption.judged
    committer.resume(stored, resumption.join)
    recording.resume(recorded)
    logger.info({ position, ...stored, judged, recorded }, 'ingest resumes')
    running = pipeline.run(resumption)
  }

  function fail(error: unknown): void {
    // The first one tells; what it had given up follows from it.
    if (giveUp.signal.aborted) return
    giveUp.abort()
    logger.fatal({ err: error }, 'ingest cannot go on')
    deps.onFailure(error)
  }

  async function stop(): Promise<void> {
    // A start that failed has told its caller.
    await started?.catch(() => {})
    if (running === undefined) return
    pipeline.stop()
    const ended = await within(running, config.stopTimeoutMs)
    if (ended && !giveUp.signal.aborted) return
    giveUp.abort()
    await within(running, underWayMs)
    const { storedPosition: position, waiting: readings } = gatherer
    logger.warn({ position, readings }, 'ingest stopped before everything was stored; the log keeps it')
  }

  return {
    start: () => (started ??= begin()),
    stop,
    live: live.queries,
    queries: {
      presence: async (deviceIds) => deviceIds.map((deviceId) => presenceOf(pass.memory, deviceId)),
      latest: async (seriesIds) => latestOf(pass.memory, seriesIds),
      messages: async (deviceId, after) => views.of(pass.memory.devices.get(deviceId), after),
      stats: async () => {
        const progress = {
          position: gatherer.storedPosition,
          judgedPosition: judgedPosition(),
          gatheredMs: catchUp.gatheredMs ?? pass.memory.nowMs,
          storeDown: retry.failing,
          nowMs: clock.now(),
        }
        return statsOf(counters, log.stats(), progress)
      },
    },
  }
}
