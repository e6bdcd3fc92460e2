import type { Logger } from 'pino'
import type { TopicRules } from '../model/index.ts'
import type { LogAppender, LogReader } from '../store/log/index.ts'
import type { BrokerConfig } from './config.ts'
import type { BrokerAccess, BrokerPersistence, FanoutLedger, SessionRegistry } from './ports.ts'

export interface BrokerDeps {
  readonly access: BrokerAccess
  readonly appender: LogAppender
  /** Where the fan-out reads again what a crash cut off; consumer name `fanout`. */
  readonly log: LogReader
  /** An Aedes persistence. */
  readonly persistence: BrokerPersistence
  readonly sessions: SessionRegistry
  readonly ledger: FanoutLedger
  readonly topics: TopicRules
  readonly logger: Logger
}

/** What each listener is bound to; undefined: off. */
export interface BrokerPorts {
  readonly tcp: number | undefined
  readonly tls: number | undefined
  readonly ws: number | undefined
}

/** Totals count from the start of the process. */
export interface BrokerStats {
  readonly connections: number
  readonly connectionsTotal: number
  /** QoS 1 and 2 messages acknowledged, each after it was on disk. */
  readonly ackedTotal: number
  /** QoS 0 messages not taken because the log was full. */
  readonly droppedQos0Total: number
  /** Forbidden, too large or too deep PUBLISHes; each closed its connection. */
  readonly refusedTotal: number
  /** Connections closed for bytes that MQTT 3.1.1 forbids. */
  readonly violationsTotal: number
  readonly receivedBytesTotal: number
}

export interface Broker {
  /** Republishes what a crash cut off, then listens. Rejects when a port is taken or the TLS files cannot be read. */
  start(): Promise<void>
  /** Stops listening, lets what is on its way reach the disk (bounded), closes every connection. */
  stop(): Promise<void>
  ports(): BrokerPorts
  /** Closes every connection of a device id or `key:{id}`, because its credentials or rights changed. */
  disconnect(principal: string): number
  /** New TLS handshakes use the files as they are now; keeps the old ones and rejects when they cannot be read. */
  reloadTls(): Promise<void>
  stats(): BrokerStats
}

export type CreateBroker = (config: BrokerConfig, deps: BrokerDeps) => Broker
