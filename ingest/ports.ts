import type { DeviceId, SeriesId } from '../model/index.ts'
import type { LogPosition } from '../store/log/index.ts'
import type { Ledger, SeriesRegistry } from '../store/state/index.ts'

/** One message that could not be used, or the part of one; at most one entry per message and reason. */
export interface RejectedMessage {
  readonly timeMs: number
  /** Null when no device could be named; it may name a device that is not, or no longer, registered. */
  readonly deviceId: DeviceId | null
  readonly clientId: string
  readonly topic: string
  readonly reason: RejectReason
  /** What exactly was wrong, for people: the metric, the value, the position in the JSON. */
  readonly detail: string
  /** Cut at 4 KiB. */
  readonly payload: Uint8Array
}

export const rejectReasons = [
  'not_json',
  'wrong_shape',
  'wrong_type',
  'not_finite',
  'bad_metric_name',
  'unknown_device',
  'unknown_topic',
  'clock_ahead',
  'too_old',
  'too_many_metrics',
  // refused by the broker before they were acknowledged
  'forbidden_topic',
  'payload_too_large',
  'topic_too_deep',
] as const
export type RejectReason = (typeof rejectReasons)[number]

/** What a device says of itself on its `info` topic: at most 16 short fields, `model`, `serial`, `firmware` and the like. */
export type DeviceInfo = Readonly<Record<string, string | number | boolean>>

/** Presence of one device, from the broker's presence frames and its messages. */
export interface Presence {
  /** A connection of its own is open; or it speaks through a gateway that is online and its status says `online`. */
  readonly online: boolean
  /** Received time of the newest frame that came from or for the device; null: never. */
  readonly lastSeenMs: number | null
  /** Connections open now. */
  readonly sessions: number
  /** Connections made in the hour before the newest frame of the log, counted up to 100; from 10 on the device is flapping. */
  readonly connectsLastHour: number
  readonly flapping: boolean
  readonly info: DeviceInfo
}

/** Columns; index i answers seriesIds[i]; time NaN where there is none. */
export interface LatestColumns {
  readonly timesMs: Float64Array
  readonly values: Float64Array
  readonly quality: Uint8Array
}

/** What others may ask of a running ingest; all of it from memory. */
export interface IngestQueries {
  /** Index i answers deviceIds[i]; a device that ingest does not know was never seen. */
  presence(deviceIds: readonly DeviceId[]): Promise<readonly Presence[]>
  /** The reading with the newest time of each series, which need not be the one received last. */
  latest(seriesIds: readonly SeriesId[]): Promise<LatestColumns>
  stats(): Promise<IngestStats>
}

/** Counters since the start of the process. */
export interface IngestStats {
  /** Everything up to here is in the readings store and on the rejected list; not to be confused with what is released. */
  readonly position: LogPosition
  /** Durable bytes of log beyond `position`. */
  readonly lagBytes: number
  /** Age of the newest frame decoded while there are more; 0 when there are none. */
  readonly lagMs: number
  readonly messages: number
  readonly readings: number
  /** Readings marked suspect. */
  readonly suspect: number
  /** Same device, metric and time again. */
  readonly duplicates: number
  /** Redeliveries without a time, recognised by packet identifier. */
  readonly redeliveries: number
  /** Times a series was silent for more than three of its reporting intervals and then went on. */
  readonly gaps: number
  readonly rejected: Readonly<Record<RejectReason, number>>
  /** Rejected but not listed, because the device exceeded 100 entries a second. */
  readonly rejectedUnlisted: number
  /** The store refuses writes and ingest is retrying. */
  readonly storeDown: boolean
}

/** Where series ids come from; of store/state. */
export type IngestSeries = Pick<SeriesRegistry, 'ensure' | 'list'>
/** Where rejected messages go, with the position they reach to; of store/state. Consumer name `ingest`. */
export type IngestLedger = Pick<Ledger, 'position' | 'commit'>
