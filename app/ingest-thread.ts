import type { MessagePort } from 'node:worker_threads'
import { createIngest, createSeriesNames, createSnapshotFolder } from '../ingest/index.ts'
import { systemClock } from '../model/index.ts'
import { createRuleEngine } from '../rules/index.ts'
import { openSegmentReader, type SharedLog } from '../store/log/index.ts'
import { withRecent } from '../store/readings/index.ts'
import { openState, type StateConfig } from '../store/state/index.ts'
import type { PlatformConfig } from './config.ts'
import type { DataFolder } from './data-folder.ts'
import { createLifecycle } from './lifecycle.ts'
import { createLogger } from './logging.ts'
import { createNightly } from './nightly.ts'
import { packMarks } from './packed-marks.ts'
import { serve } from './port-rpc.ts'
import { openableReadings } from './readings-store.ts'
import { createRollupWork, rollupWorkConfig } from './rollup-work.ts'
import type { IngestService } from './services.ts'
import { runThread } from './threads.ts'

export interface IngestThreadData {
  readonly config: PlatformConfig
  readonly folder: Pick<DataFolder, 'logFolder' | 'readingsFile' | 'snapshotFolder'>
  readonly state: StateConfig
  readonly log: SharedLog
  readonly logId: string
  /** Where the operations thread asks. */
  readonly port: MessagePort
  /** Told, without content, whenever steps of alerts were recorded. */
  readonly alertsRecorded: MessagePort
}

await runThread<IngestThreadData, null>(async (data, fail) => {
  const { config, folder, state: stateConfig, log: shared, logId, port, alertsRecorded } = data
  const logger = createLogger(config.logLevel, 'ingest')
  const lifecycle = createLifecycle(logger)
  try {
    const state = await openState(stateConfig, { clock: systemClock, logger })
    lifecycle.own('state', () => state.close())
    const series = createSeriesNames(state.series)
    await series.load()
    const { readingsFile } = folder
    const store = openableReadings(config, { readingsFile, catalog: series, logId, logger })
    const readings = withRecent(store, { bytesMax: config.recentBytes })
    lifecycle.own('readings', () => readings.close())
    const log = openSegmentReader({ folder: folder.logFolder, shared, consumer: 'ingest' })
    lifecycle.own('log reader', () => log.close())
    const rules = createRuleEngine({
      sink: {
        position: () => state.alertLedger.position(),
        async record(transitions, position) {
          await state.alertLedger.record(transitions, position)
          if (transitions.length > 0) alertsRecorded.postMessage(null)
        },
      },
      logger,
    })
    const ingest = createIngest(config.ingest, {
      evaluator: rules,
      logId,
      log,
      reopenLog: () => openSegmentReader({ folder: folder.logFolder, shared }),
      readings,
      series,
      ledger: state.ledger,
      snapshots: createSnapshotFolder(folder.snapshotFolder),
      topics: config.topics,
      clock: systemClock,
      logger,
      onFailure: fail,
    })
    lifecycle.own('ingest', () => ingest.stop())
    await ingest.start()
    const nightly = createNightly(config.nightly, {
      readings: { expire: readings.expire, compact: store.compact },
      trimAlerts: () => state.trimAlerts(),
      trimAnswers: () => state.answers.trim(),
      clock: systemClock,
      logger,
    })
    lifecycle.own('nightly work', nightly.stop)
    nightly.start()
    const rollups = createRollupWork(rollupWorkConfig, { readings: store, clock: systemClock, logger })
    lifecycle.own('rollups', rollups.stop)
    rollups.start()
    serve(port, {
      ...ingest.queries,
      range: readings.range,
      buckets: readings.buckets,
      ...packMarks(readings),
      storeStats: readings.stats,
      liveNews: ingest.live.news,
      liveLatest: ingest.live.latest,
      liveReplay: ingest.live.replay,
      liveNames: ingest.live.names,
    } satisfies IngestService)
    return { ready: null, stop: () => lifecycle.stop() }
  } catch (error) {
    await lifecycle.stop()
    throw error
  }
})
