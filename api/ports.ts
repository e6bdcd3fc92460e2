import type { ConnectionView, PushedMessage, PushOutcome, Refused } from '../broker/index.ts'
import type { IngestQueries, LiveQueries } from '../ingest/index.ts'
import type { FieldError, MetricName, ProfileRecord, RuleRecord } from '../model/index.ts'
import type { LogPosition, LogStats } from '../store/log/index.ts'
import type { MarkedStore } from '../store/readings/index.ts'

/** The reading side of the store, wherever it lives. */
export type ReadingQueries = Pick<MarkedStore, 'range' | 'buckets' | 'marked' | 'markedRanges' | 'stats'>

export interface ControlLog {
  /** Appends a control frame; resolves once it is on disk. An empty payload says that the record is gone. */
  append(topic: string, payload: Uint8Array): Promise<LogPosition>
  stats(): Promise<LogStats>
}

/** Totals are since the start of the process. */
export interface BrokerStatus {
  readonly connections: number
  readonly connectionsTotal: number
  /** QoS 1 and 2 messages acknowledged, and pushes. */
  readonly ackedTotal: number
  /** QoS 0 messages not taken because the log was full. */
  readonly droppedQos0Total: number
  /** QoS 0 messages not delivered to subscribers that were too far behind. */
  readonly droppedDeliveriesTotal: number
  /** Forbidden, too large or too deep PUBLISHes. */
  readonly refusedTotal: number
  /** CONNECTs with wrong or missing credentials. */
  readonly failedLoginsTotal: number
  /** CONNECTs not looked at, because too many wrong passwords of that name had come from there. */
  readonly throttledLoginsTotal: number
  /** Connections closed for bytes that MQTT forbids. */
  readonly violationsTotal: number
  readonly receivedBytesTotal: number
  /** Time in which publishers were read no faster than ingest goes on. */
  readonly pacedMsTotal: number
}

export type { ConnectionView, PushedMessage, Refused }

/** What the API asks of the broker's thread. */
export interface BrokerQueries {
  status(): Promise<BrokerStatus>
  /** Ends every connection of the device or the key, or of those the one; resolves with how many. */
  disconnect(principal: string, connectionId?: number): Promise<number>
  /** Resolves once the message is on disk, or with why it was not taken; rejects with `log_full`, retryable. */
  push(message: PushedMessage): Promise<PushOutcome>
  /** Has a message that was answered with an error listed as rejected. */
  refusePush(refused: Refused): Promise<void>
  /** The connections of the device or the key, the oldest first. */
  connections(principal: string): Promise<readonly ConnectionView[]>
}

export interface ApiPeers {
  readonly readings: ReadingQueries
  readonly ingest: IngestQueries
  readonly live: LiveQueries
  readonly log: ControlLog
  readonly broker: BrokerQueries
}

/** What somebody wants to make a rule. */
export type RuleDraft = Pick<RuleRecord, 'condition' | 'forMs' | 'keepFiringForMs'>

/** What the devices that a rule applies to can measure. */
export interface RuleReach {
  /** A metric has to be known to one of them. */
  readonly profiles: readonly ProfileRecord[]
  /** Metrics that were sent although no profile knows them. */
  readonly discovered?: readonly MetricName[]
}

/** Everything that is wrong with a rule; fields are paths such as `condition/levels/1/clear`. */
export type ValidateRule = (rule: RuleDraft, reach: RuleReach) => readonly FieldError[]

/** Brings the control frames of committed changes into the log, in the order of the changes. */
export interface ControlRelay {
  /** Resolves when everything committed before the call is in the log. */
  flush(): Promise<void>
}

/** Who counts what the service levels are made of. */
export interface ServiceWatch {
  /** A request to the API got the head of its answer. */
  answered(durationMs: number, status: number): void
  /** A request that may be answered from a cache was, or was not. */
  cacheAsked(hit: boolean): void
}
