import { resolve } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { TlsPair } from '../api/index.ts'
import { createBroker, createSessionPersistence } from '../broker/index.ts'
import { AppError, encodeOrigin, frameKind, nativeTopic, systemClock } from '../model/index.ts'
import { defaultRules } from '../rules/index.ts'
import { createLogAppender, type LogAppender } from '../store/log/index.ts'
import { createLmdbSessionStore, createMqttSessions } from '../store/sessions/index.ts'
import { createOutboxRelay, openState, seedState } from '../store/state/index.ts'
import { type Access, createAccess } from './access.ts'
import { acceptBootstrapKey, makeFirstKeys, makeSetupLink } from './bootstrap-keys.ts'
import { obeyingControls } from './broker-orders.ts'
import { claimLog } from './claim-log.ts'
import type { PlatformConfig } from './config.ts'
import { createUsesInMemory } from './credential-uses.ts'
import { type DataFolder, openDataFolder } from './data-folder.ts'
import type { IngestThreadData } from './ingest-thread.ts'
import { createLifecycle } from './lifecycle.ts'
import { connectionsWithin, openFilesMax } from './open-files.ts'
import { plainListeners } from './plain-listeners.ts'
import { type IngestThread, startIngestThread, startOperationsThread } from './platform-threads.ts'
import { serve } from './port-rpc.ts'
import type { BrokerService } from './services.ts'
import { stateConfigOf } from './state.ts'
import { loadTls, type TlsFiles } from './tls-files.ts'
import { createTlsWatch } from './tls-watch.ts'

export interface Platform {
  readonly mqttPort: number | undefined
  readonly mqttsPort: number | undefined
  readonly mqttWsPort: number | undefined
  readonly mqttWssPort: number | undefined
  readonly httpPort: number | undefined
  readonly httpsPort: number | undefined
  /** Where the command line of this machine asks. */
  readonly httpUrl: string
  /** An admin key that was made because the store had none; shown this once. */
  readonly firstAdminKey: string | undefined
  /** Of the link by which the first admin comes in; undefined once there is somebody. */
  readonly setupToken: string | undefined
  /** Reads the TLS files now; what is wrong with them is logged, and changes nothing. */
  reloadTls(): Promise<void>
  /** Refuses new work, lets what is under way reach the disk, ends the threads, unlocks the folder. Idempotent. */
  stop(): Promise<void>
}

export interface PlatformDeps {
  readonly version: string
  readonly logger: Logger
  /** Where it was started already. */
  readonly ingest?: IngestThread | undefined
  /** Called once when a part broke that the platform cannot do without: the process should end. */
  onFailure(error: Error): void
}

/** Each thread gets so long to stop before it is terminated; what it had not stored comes again from the log. */
const threadStopMs = 10_000
/** A new certificate is in use at most so long after its files are there. */
const tlsWatchMs = 5_000

/** Wires the platform: read it from top to bottom. The order is that of dependence; stopping goes backwards. */
export async function startPlatform(config: PlatformConfig, deps: PlatformDeps): Promise<Platform> {
  const { logger, onFailure } = deps
  const lifecycle = createLifecycle(logger)
  const ingest = deps.ingest ?? startIngestThread(onFailure)
  lifecycle.own('ingest thread, not begun', () => ingest.stop(threadStopMs))
  // What it does is done last, but its modules are loaded while the rest opens.
  const operations = startOperationsThread(onFailure)
  lifecycle.own('operations thread, not begun', () => operations.stop(threadStopMs))
  try {
    const plain = plainListeners(config)
    if (plain !== undefined)
      logger.warn(plain, 'passwords, tokens and keys may come in the clear: there are plain listeners')
    // Before the broker reads its files: what is newer there is found by the watch.
    const tls = config.tls && requireTls(config.tls)
    const folder = openDataFolder(config.dataDir)
    lifecycle.own('data folder', folder.release)

    const stateConfig = stateConfigOf(folder, { migrate: false })
    const state = await openState({ ...stateConfig, migrate: true }, { clock: systemClock, logger })
    lifecycle.own('state', () => state.close())
    await seedState(state, { ...config.firstSite, rules: defaultRules })
    await acceptBootstrapKey(state, config.bootstrapAdminKey, logger)

    const log = await claimLog(state, { ...config.log, folder: folder.logFolder, consumers: ['ingest', 'fanout'] })
    lifecycle.own('log', () => log.close())
    if (log.tornBytes > 0) logger.warn({ tornBytes: log.tornBytes }, 'log cut: a crash tore its last commit')
    const appender = createLogAppender(log, { clock: systemClock, onFailure })
    lifecycle.own('log appender', async () => {
      const { unwritten } = await appender.stop()
      if (unwritten > 0) logger.warn({ unwritten }, 'log full at the stop: frames were not written')
    })

    const operationsToIngest = new MessageChannel()
    const operationsToMain = new MessageChannel()
    const alertsRecorded = new MessageChannel()
    const tlsChanged = new MessageChannel()
    ingest.begin(
      {
        config,
        folder: pathsOf(folder),
        state: stateConfig,
        log: log.shared,
        logId: log.id,
        port: operationsToIngest.port1,
        alertsRecorded: alertsRecorded.port1,
      },
      [operationsToIngest.port1, alertsRecorded.port1],
    )
    lifecycle.own('ingest thread', () => ingest.stop(threadStopMs))

    const uses = createUsesInMemory(systemClock)
    const access = createAccess(state, uses.note, systemClock)
    await access.load()
    const sessions = createMqttSessions(createLmdbSessionStore(folder.sessionsFolder), config.sessions)
    await sessions.open()
    lifecycle.own('sessions', () => sessions.close())
    // Before anything is appended or acknowledged: it checks that log, state, readings and snapshots fit together.
    await ingest.ready
    appender.start()
    const appendControl = createControlAppend(appender, access)
    // What an earlier run, or the command line, changed and did not get into the log: before any device may speak.
    await warnIfSlow(createOutboxRelay(state.outbox, appendControl).flush(), () => {
      const { reserveBytes, maxBytes } = config.log
      logger.warn({ full: log.stats().full, reserveBytes, maxBytes }, 'start waits for room in the log')
    })
    const persistence = createSessionPersistence(sessions)
    const wanted = { mqtt: config.broker.maxConnections, http: config.api.maxConnections }
    const maxConnections = connectionsWithin(openFilesMax(), wanted, logger)
    const broker = createBroker(
      { ...config.broker, maxConnections },
      {
        access,
        appender,
        log,
        pacedBy: 'ingest',
        persistence,
        sessions: persistence,
        ledger: persistence,
        topics: config.topics,
        clock: systemClock,
        logger,
      },
    )
    lifecycle.own('broker', () => broker.stop())
    await broker.start()

    serve(operationsToMain.port1, {
      status: async () => broker.stats(),
      disconnect: async (principal, connectionId) => broker.disconnect(principal, connectionId),
      connections: async (principal) => broker.connectionsOf(principal),
      logStats: async () => log.stats(),
      appendControl: obeyingControls(appendControl, broker),
      appendTelemetry: createTelemetryAppend(appender),
      takeUses: async () => uses.take(),
      push: broker.push,
      refusePush: async (refused) => broker.refusePush(refused),
    } satisfies BrokerService)
    lifecycle.own('port to operations', () => operationsToMain.port1.close())
    operations.begin(
      {
        config,
        state: stateConfig,
        version: deps.version,
        broker: operationsToMain.port2,
        ingest: operationsToIngest.port2,
        alertsRecorded: alertsRecorded.port2,
        dataFolder: folder.path,
        mailFolder: folder.mailFolder,
        tls,
        tlsChanged: tlsChanged.port2,
        checkpointsFile: folder.checkpointsFile,
      },
      [operationsToMain.port2, operationsToIngest.port2, alertsRecorded.port2, tlsChanged.port2],
    )
    lifecycle.own('operations thread', () => operations.stop(threadStopMs))

    const { httpPort, httpsPort } = await operations.ready
    const tlsWatch =
      config.tls &&
      tls &&
      createTlsWatch(
        config.tls,
        { everyMs: tlsWatchMs, inUse: tls },
        {
          async use(pair) {
            await broker.reloadTls()
            tlsChanged.port1.postMessage(pair)
          },
          logger,
        },
      )
    lifecycle.own('tls watch', () => tlsWatch?.stop())
    tlsWatch?.start()
    const keys = await makeFirstKeys(state, folder.path, systemClock)
    const setupToken = await makeSetupLink(state)
    const { tcp, tls: mqttsPort, ws, wss } = broker.ports()
    const host = loopbackOf(config.api.host)
    const httpUrl = httpPort === undefined ? `https://${host}:${httpsPort}` : `http://${host}:${httpPort}`
    try {
      const certFile = httpPort === undefined && config.tls ? resolve(config.tls.certFile) : null
      folder.announce({ pid: process.pid, httpUrl, certFile, mqttPort: tcp ?? null, key: keys.commandLine })
    } catch (error) {
      logger.warn({ err: error }, 'the command line will not find this platform')
    }
    return {
      mqttPort: tcp,
      mqttsPort,
      mqttWsPort: ws,
      mqttWssPort: wss,
      httpPort,
      httpsPort,
      httpUrl,
      firstAdminKey: keys.firstAdmin,
      setupToken,
      reloadTls: async () => tlsWatch?.reload(),
      async stop() {
        const failed = await lifecycle.stop()
        if (failed.length > 0) throw new AppError('internal', `stop ${failed.join(', ')} failed`)
      },
    }
  } catch (error) {
    await lifecycle.stop()
    throw error
  }
}

function requireTls(files: TlsFiles): TlsPair {
  const loaded = loadTls(files)
  if (loaded.ok) return loaded.pair
  throw new AppError('invalid_input', 'read tls files failed', { fields: loaded.faults })
}

/** Where this machine reaches a listener on that host, as a URL has it. */
function loopbackOf(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

/** A disk without room makes a start wait; that must not look like nothing at all. */
async function warnIfSlow<T>(work: Promise<T>, warn: () => void): Promise<T> {
  const timer = setTimeout(warn, 1_000)
  try {
    return await work
  } finally {
    clearTimeout(timer)
  }
}

function pathsOf({ logFolder, readingsFile, snapshotFolder }: DataFolder): IngestThreadData['folder'] {
  return { logFolder, readingsFile, snapshotFolder }
}

/** A control frame waits for the disk however full it is: its change is committed already. */
function createControlAppend(appender: LogAppender, access: Access): BrokerService['appendControl'] {
  const nobody = new Uint8Array(0)
  const owner = { closed: false }
  return (topic, payload) =>
    new Promise((resolve, reject) => {
      access.apply(topic, payload)
      const frame = { kind: frameKind.control, flags: 0, packetId: 0, session: 0, origin: nobody, topic, payload }
      appender.append(frame, owner, (error, position) => (error ? reject(error) : resolve(position)))
    })
}

/** Telemetry that comes from within: no connection waits for it, so it may wait for a full disk as long as it takes. */
function createTelemetryAppend(appender: LogAppender): BrokerService['appendTelemetry'] {
  const owner = { closed: false }
  return (deviceId, payload) =>
    new Promise((resolve, reject) => {
      const origin = encodeOrigin(deviceId, deviceId)
      const topic = nativeTopic.telemetry(deviceId)
      const frame = { kind: frameKind.message, flags: 0, packetId: 0, session: 0, origin, topic, payload }
      appender.append(frame, owner, (error, position) => (error ? reject(error) : resolve(position)))
    })
}
