import type { DeviceId, SeriesId } from '../model/index.ts'

/** One message that could not be used. */
export interface RejectedMessage {
  readonly timeMs: number
  /** Null when no device could be named. */
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

/** Presence of one device, from the broker's presence frames and its messages. */
export interface Presence {
  readonly online: boolean
  /** Received time of the newest frame that came from or for the device; null: never. */
  readonly lastSeenMs: number | null
  /** Connections open now. */
  readonly sessions: number
  /** Connections made in the hour before the newest frame of the log; from 10 on the device is flapping. */
  readonly connectsLastHour: number
  readonly flapping: boolean
}

/** Columns; index i answers seriesIds[i]; time NaN where there is none. */
export interface LatestColumns {
  readonly timesMs: Float64Array
  readonly values: Float64Array
  readonly quality: Uint8Array
}

/** What others may ask of a running ingest; all of it from memory. */
export interface IngestQueries {
  presence(deviceIds: readonly DeviceId[]): Promise<readonly Presence[]>
  latest(seriesIds: readonly SeriesId[]): Promise<LatestColumns>
  stats(): Promise<IngestStats>
}

/** Counters since the start of the process. */
export interface IngestStats {
  readonly messages: number
  readonly readings: number
  /** Readings marked suspect. */
  readonly suspect: number
  /** Same device, metric and time again. */
  readonly duplicates: number
  /** Redeliveries without a time, recognised by packet identifier. */
  readonly redeliveries: number
  readonly rejected: Readonly<Record<RejectReason, number>>
  /** Rejected but not listed, because the device exceeded 100 entries a second. */
  readonly rejectedUnlisted: number
}
