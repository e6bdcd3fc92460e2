import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { Aedes, PublishPacket } from 'aedes'
import type { Logger } from 'pino'
import { type Clock, type CredentialEnds, type DeviceId, resolveTopic, type TopicRules } from '../model/index.ts'
import type { LogAppender, LogReader } from '../store/log/index.ts'
import { createAccept } from './accept.ts'
import { createAckFlusher } from './ack-flusher.ts'
import { filtersAbout } from './acl.ts'
import { createAdmit } from './admit.ts'
import { openAedes } from './aedes.ts'
import type { BrokerConfig } from './config.ts'
import { Connection } from './connection.ts'
import type { ConnectionHooks } from './connection-peers.ts'
import { createFailedLogins } from './failed-logins.ts'
import { createFanout, type Generation } from './fanout.ts'
import { createForward } from './forward.ts'
import { createGate } from './gate.ts'
import { createInterest } from './interest.ts'
import { createListeners } from './listeners.ts'
import { createLoginThrottle } from './login-throttle.ts'
import { createPace } from './pace.ts'
import type { BrokerAccess, BrokerPersistence, ConnectionView, FanoutLedger, SessionRegistry } from './ports.ts'
import { createPresence } from './presence.ts'
import { createPush, type Push } from './push.ts'
import { ExchangesUnderWay } from './qos2.ts'
import { createRefusals, type Refused } from './refusals.ts'
import { createRoster } from './roster.ts'
import { createWills } from './wills.ts'

export interface BrokerDeps {
  readonly access: BrokerAccess
  readonly appender: LogAppender
  /** Where the fan-out reads again what a crash cut off; consumer name `fanout`. */
  readonly log: LogReader
  /** Name of the log's consumer that publishers are not to outrun. */
  readonly pacedBy: string
  /** An Aedes persistence. */
  readonly persistence: BrokerPersistence
  readonly sessions: SessionRegistry
  readonly ledger: FanoutLedger
  readonly topics: TopicRules
  readonly clock: Clock
  readonly logger: Logger
}

/** What each listener is bound to; undefined: off. */
export interface BrokerPorts {
  readonly tcp: number | undefined
  readonly tls: number | undefined
  readonly ws: number | undefined
  readonly wss: number | undefined
}

/** Totals count from the start of the process. */
export interface BrokerStats {
  readonly connections: number
  readonly connectionsTotal: number
  /** QoS 1 and 2 messages acknowledged, and pushes, each after it was on disk. */
  readonly ackedTotal: number
  /** QoS 0 messages not taken because the log was full. */
  readonly droppedQos0Total: number
  /** QoS 0 messages not delivered to subscribers that were too far behind. */
  readonly droppedDeliveriesTotal: number
  /** Forbidden, too large or too deep PUBLISHes; each closed its connection. */
  readonly refusedTotal: number
  /** CONNECTs with wrong or missing credentials. */
  readonly failedLoginsTotal: number
  /** CONNECTs not looked at, because too many wrong passwords of that name had come from there. */
  readonly throttledLoginsTotal: number
  /** Connections closed for bytes that MQTT 3.1.1 forbids. */
  readonly violationsTotal: number
  readonly receivedBytesTotal: number
  /** Time in which publishers were read no faster than the log's consumer reads on. */
  readonly pacedMsTotal: number
}

export interface Broker {
  /** Republishes what a crash cut off, then listens. Rejects when a port is taken or the TLS files cannot be read. */
  start(): Promise<void>
  /** Stops listening, lets what is on its way reach the disk (bounded), closes every connection. */
  stop(): Promise<void>
  ports(): BrokerPorts
  /** Closes every connection of a device id or `key:{id}`, or of those the one; returns how many. */
  disconnect(principal: string, connectionId?: number): number
  /** Secrets end, now or later: the connections that were opened by them end with them, others stay. */
  endSecrets(ends: CredentialEnds): void
  /** The connections of a device id or `key:{id}`, the oldest first. */
  connectionsOf(principal: string): readonly ConnectionView[]
  /**
   * Drops what is kept of a device that was removed, so that another of its id does not inherit it: sessions, wills,
   * retained messages. Called when its removal is in the log and its connections are closed; a start after a crash does
   * it again.
   */
  forget(device: DeviceId): void
  /** Takes telemetry that did not come by MQTT. */
  readonly push: Push
  /** Lists telemetry that did not come by MQTT and was refused, at most ten a second of each device. */
  refusePush(refused: Refused): void
  /** New TLS handshakes use the files as they are now; keeps the old ones and rejects when they cannot be read. */
  reloadTls(): Promise<void>
  stats(): BrokerStats
}

const upkeepMs = 1_000
/** A subscriber that takes nothing for so long while publishers wait for subscribers is whom they wait for. */
const heldUpPatienceMs = 2_000
const drainCheckMs = 5

export function createBroker(config: BrokerConfig, deps: BrokerDeps): Broker {
  const { access, appender, log, persistence, sessions, ledger, topics, clock, logger } = deps
  const monotonicMs = () => performance.now()
  const counters = { acked: 0, droppedQos0: 0, violations: 0, receivedBytes: 0 }
  let aedes: Aedes | undefined
  let upkeep: NodeJS.Timeout | undefined
  let stopping: Promise<void> | undefined
  let deliveryFails = false

  const interest = createInterest(persistence)
  const fanout = createFanout({ log, ledger, logger })
  const pace = createPace(config, { log, appender, consumer: deps.pacedBy, monotonicMs })
  const gate = createGate(config, { appender, fanout, pace })
  const refusals = createRefusals(appender, monotonicMs)
  const presence = createPresence(appender)
  const exchanges = new ExchangesUnderWay()
  /** What tells of a device in quarantine goes to nobody; ingest lists it as rejected. */
  const isWithheld = ({ topic }: PublishPacket): boolean => {
    const deviceId = resolveTopic(topic, topics)?.deviceId
    return deviceId !== undefined && access.isQuarantined(deviceId)
  }
  const publish = (packet: PublishPacket, generation: Generation) => {
    const finish = (error?: Error | null) => {
      if (error && !deliveryFails) logger.error({ err: error, topic: packet.topic }, 'fanning out a message failed')
      if (!error && deliveryFails) logger.info('messages are fanned out again')
      deliveryFails = error instanceof Error
      fanout.finish(generation)
      gate.checkSoon()
    }
    if (aedes === undefined || isWithheld(packet)) finish()
    else aedes.publish(packet, finish)
  }
  const shared = { config, access, appender, topics, persistence, refusals, logger }
  const way = { appender, topics, interest, fanout, gate, pace, counters, monotonicMs, publish }
  const accept = createAccept({ ...shared, ...way, exchanges })
  const logins = createFailedLogins(logger, monotonicMs)
  const roster = createRoster(presence, config.maxConnections, monotonicMs)
  const throttle = createLoginThrottle({ delayMs: config.wrongPasswordDelayMs }, monotonicMs)
  const admit = createAdmit({ ...shared, sessions, accept, logins, throttle, clock, roster })
  const forward = createForward({ ...shared, interest })
  const wills = createWills(shared)
  const acks = createAckFlusher()
  const hooks: ConnectionHooks = {
    received: (sizeBytes) => {
      counters.receivedBytes += sizeBytes
    },
    violation: (connection, violation) => {
      counters.violations++
      logger.debug({ principal: connection.who?.principal, ...violation }, 'connection broke the protocol')
    },
    closed: roster.remove,
    acksWaiting: acks.add,
  }
  const listeners = createListeners(config, logger, (stream, peer) => {
    if (aedes === undefined) {
      stream.destroy()
      return
    }
    const connection = new Connection(roster.total + 1, stream, peer, hooks)
    roster.add(connection)
    aedes.handle(connection)
  })

  function forget(device: DeviceId): void {
    persistence.forget(device, filtersAbout(device, topics))
  }

  async function start(): Promise<void> {
    if (aedes !== undefined) return
    const opened = await openAedes({ config, persistence, bus: interest.bus, admit, forward, roster, wills, logger })
    aedes = opened
    try {
      const messages = await fanout.replay(async (packet) => {
        if (!isWithheld(packet)) await republish(opened, packet)
      }, forget)
      if (messages > 0) logger.info({ messages }, 'messages fanned out again after a restart')
      fanout.start()
      presence.brokerStarted()
      upkeep = setInterval(checkConnections, upkeepMs)
      await listeners.start()
    } catch (error) {
      await stop()
      throw error
    }
  }

  function checkConnections(): void {
    roster.checkSilence(upkeepMs, config.connectTimeoutMs)
    roster.checkExpiry(clock.now())
    logins.check()
    // The valve that the bound shuts stays so down to half of it.
    const isHeldUp = fanout.pending >= config.fanoutPending / 2
    roster.checkTaking(upkeepMs, isHeldUp ? heldUpPatienceMs : Number.POSITIVE_INFINITY)
  }

  function stop(): Promise<void> {
    if (aedes === undefined) return Promise.resolve()
    stopping ??= stopAedes(aedes).finally(() => {
      stopping = undefined
    })
    return stopping
  }

  async function stopAedes(open: Aedes): Promise<void> {
    const deadlineMs = monotonicMs() + config.stopTimeoutMs
    await listeners.stop()
    roster.quiesce()
    await settled(() => fanout.idle, deadlineMs)
    // Aedes publishes the wills of those that did not take their leave; they pass through the log like any other.
    roster.closeAll('closed by the platform')
    await new Promise<void>((resolve) => open.close(resolve))
    await settled(() => fanout.idle && wills.pending === 0 && roster.size === 0, deadlineMs)
    clearInterval(upkeep)
    logins.flush()
    throttle.stop()
    await fanout.stop()
    aedes = undefined
    listeners.cut()
  }

  /** A condition that others bring about; false when the time was over first. */
  async function settled(condition: () => boolean, deadlineMs: number): Promise<boolean> {
    while (!condition() && monotonicMs() < deadlineMs) await delay(drainCheckMs)
    return condition()
  }

  return {
    start,
    stop,
    ports: listeners.ports,
    disconnect: (principal, connectionId) => roster.close('closed by the platform', principal, connectionId),
    endSecrets: (ends) => roster.endSecrets(ends, clock.now()),
    connectionsOf: roster.of,
    forget,
    push: createPush(config, way),
    refusePush: refusals.recordPush,
    reloadTls: listeners.reloadTls,
    stats: () => ({
      connections: roster.size,
      connectionsTotal: roster.total,
      ackedTotal: counters.acked,
      droppedQos0Total: counters.droppedQos0,
      droppedDeliveriesTotal: forward.droppedTotal,
      refusedTotal: refusals.total,
      failedLoginsTotal: logins.total,
      throttledLoginsTotal: throttle.refusedTotal,
      violationsTotal: counters.violations,
      receivedBytesTotal: counters.receivedBytes,
      pacedMsTotal: pace.heldMsTotal,
    }),
  }
}

function republish(aedes: Aedes, packet: PublishPacket): Promise<void> {
  return new Promise((resolve, reject) => {
    aedes.publish(packet, (error) => (error ? reject(error) : resolve()))
  })
}
