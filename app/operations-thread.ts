import { statfs } from 'node:fs/promises'
import type { MessagePort } from 'node:worker_threads'
import { Registry } from 'prom-client'
import { createDispatcher } from '../alerts/index.ts'
import { createApi, type TlsPair } from '../api/index.ts'
import { createTelemetryCheck } from '../ingest/index.ts'
import { platformDeviceId, systemClock } from '../model/index.ts'
import { createNotifier } from '../notifier/index.ts'
import { validateRule } from '../rules/index.ts'
import { createCache } from '../store/cache/index.ts'
import { createOutboxRelay, openState, type StateConfig } from '../store/state/index.ts'
import { openAuditCheckpoints } from './audit-checkpoints.ts'
import { createAuditKeeper } from './audit-keeper.ts'
import type { PlatformConfig } from './config.ts'
import { createUseRecorder, createUsesInMemory, notingUses } from './credential-uses.ts'
import { createDoneWatch } from './done-watch.ts'
import { createLifecycle } from './lifecycle.ts'
import { createLogger } from './logging.ts'
import { openRedis } from './open-redis.ts'
import { unpackMarks } from './packed-marks.ts'
import { remote } from './port-rpc.ts'
import { createSelfWatch } from './self-watch.ts'
import { createServiceMeter } from './service-meter.ts'
import { type BrokerService, brokerMethods, type IngestService, ingestMethods } from './services.ts'
import { accountSecretOf } from './state.ts'
import { runThread } from './threads.ts'

export interface OperationsThreadData {
  readonly config: PlatformConfig
  readonly state: StateConfig
  readonly version: string
  /** To the main thread. */
  readonly broker: MessagePort
  readonly ingest: MessagePort
  /** From the ingest thread: steps of alerts were recorded. */
  readonly alertsRecorded: MessagePort
  readonly dataFolder: string
  /** Where mails land without an SMTP server. */
  readonly mailFolder: string
  readonly tls: TlsPair | undefined
  /** Brings the pairs that come after that. */
  readonly tlsChanged: MessagePort
  readonly checkpointsFile: string
}

export interface OperationsReady {
  readonly httpPort: number | undefined
  readonly httpsPort: number | undefined
}

const calls = { maxInFlight: 1_000 } as const
/** The reporting interval of the profile `platform`. */
const selfWatchMs = 10_000
/** How late "last used" may be. */
const recordUsesMs = 20_000

await runThread<OperationsThreadData, OperationsReady>(async (data) => {
  const { config } = data
  const logger = createLogger(config.logLevel, 'operations')
  const lifecycle = createLifecycle(logger)
  try {
    const state = await openState(data.state, { clock: systemClock, logger })
    lifecycle.own('state', () => state.close())
    const checkpoints = openAuditCheckpoints(data.checkpointsFile)
    const { retentionDays } = config.audit
    const auditKeeper = createAuditKeeper({ state, checkpoints, retentionDays, clock: systemClock, logger })
    lifecycle.own('audit keeper', () => auditKeeper.stop())
    auditKeeper.start()
    const broker = remote<BrokerService>(data.broker, brokerMethods, calls)
    const ingest = remote<IngestService>(data.ingest, ingestMethods, calls)
    const relay = createOutboxRelay(state.outbox, broker.appendControl)
    const service = createServiceMeter({ store: state.service, clock: systemClock, logger })
    lifecycle.own('service meter', () => service.stop())
    service.start()
    const notifier = createNotifier(config.notifier, {
      state,
      emlFolder: data.mailFolder,
      clock: systemClock,
      random: Math.random,
      logger,
      onDone: createDoneWatch(service, state.dispatch),
    })
    lifecycle.own('notifier', () => notifier.stop())
    notifier.start()
    const dispatcher = createDispatcher(config.alerts, {
      ledger: state.dispatch,
      stages: [],
      logger,
      onQueued: notifier.wake,
    })
    lifecycle.own('dispatcher', () => dispatcher.stop())
    dispatcher.start()
    data.alertsRecorded.on('message', dispatcher.wake)

    const uses = createUsesInMemory(systemClock)
    const useRecorder = createUseRecorder(recordUsesMs, {
      takers: [uses.take, broker.takeUses],
      record: state.credentialUses.record,
      logger,
    })
    lifecycle.own('uses of credentials', () => useRecorder.stop())
    useRecorder.start()
    const metrics = new Registry()
    const redis = openRedis(config.redis, metrics, logger)
    lifecycle.own('redis', () => redis?.stop())
    const api = createApi(config.api, {
      state: { ...state, credentials: notingUses(state.credentials, uses.note) },
      relay,
      peers: {
        readings: {
          range: ingest.range,
          buckets: ingest.buckets,
          ...unpackMarks(ingest),
          stats: ingest.storeStats,
        },
        ingest,
        live: {
          news: ingest.liveNews,
          latest: ingest.liveLatest,
          replay: ingest.liveReplay,
          names: ingest.liveNames,
        },
        log: { append: broker.appendControl, stats: broker.logStats },
        broker,
      },
      validateRule,
      checkTelemetry: createTelemetryCheck(config.ingest),
      recordedCheckpoints: checkpoints.list,
      accountSecret: accountSecretOf(data.state),
      metrics,
      service,
      logger,
      clock: systemClock,
      version: data.version,
      tls: data.tls,
      cache: createCache(config.cache, { redis, logger }),
      era: await state.dataVersions.renew(),
      redis,
    })
    lifecycle.own('api', () => api.stop())
    data.tlsChanged.on('message', api.useTls)
    await api.start()
    const selfWatch = createSelfWatch(selfWatchMs, {
      log: broker.logStats,
      broker: broker.status,
      ingest: ingest.stats,
      async mail() {
        const { failed, retried } = notifier.stats()
        return { failuresTotal: failed + retried, waiting: (await state.notifications.counts()).queued }
      },
      async diskFreePercent() {
        const { bavail, blocks } = await statfs(data.dataFolder)
        return (100 * bavail) / blocks
      },
      residentBytes: () => process.memoryUsage.rss(),
      service: () => state.service.read('1h', systemClock.now()),
      publish: (payload) => broker.appendTelemetry(platformDeviceId, payload),
      clock: systemClock,
      logger,
    })
    lifecycle.own('self watch', () => selfWatch.stop())
    selfWatch.start()
    const { plain, tls } = api.ports()
    return { ready: { httpPort: plain, httpsPort: tls }, stop: () => lifecycle.stop() }
  } catch (error) {
    await lifecycle.stop()
    throw error
  }
})
