import type { DeviceId, DeviceRecord, MetricName, Quality, SiteId, SiteScope } from '../model/index.ts'
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
  'too_fast',
  // refused for ever by the readings store
  'store_refused',
  // refused by the broker before they were acknowledged
  'forbidden_topic',
  'payload_too_large',
  'topic_too_deep',
  // of a device that is kept out: what its gateway sends for it, and its attempts to connect
  'quarantined',
] as const
export type RejectReason = (typeof rejectReasons)[number]

/**
 * What became of a message: taken (its readings count, or what it says of its device); partly, because something in it
 * could not be used; rejected whole; refused by the broker, unacknowledged; or repeated, and not taken a second time.
 */
export const messageFates = ['taken', 'partly', 'rejected', 'refused', 'repeated'] as const
export type MessageFate = (typeof messageFates)[number]

/** A message as it arrived. */
export interface MessageView {
  /** Where it ends in the log; grows from message to message. */
  readonly position: LogPosition
  readonly receivedMs: number
  /** Who sent it: the device itself, or its gateway; `key:{id}` or `person/{id}` where somebody else has pushed it. */
  readonly principal: string
  /** Empty: it came by no connection. */
  readonly clientId: string
  /** Empty: an attempt to connect. */
  readonly topic: string
  readonly qos: number
  readonly dup: boolean
  readonly retain: boolean
  /** As much of it as is kept. */
  readonly payload: Uint8Array
  /** All of it. */
  readonly payloadBytes: number
  readonly fate: MessageFate
  /** Of the first thing that was wrong. */
  readonly reason: RejectReason | null
  readonly detail: string
}

export interface MessagesSeen {
  /** The oldest first. */
  readonly messages: readonly MessageView[]
  /** Messages that were not kept, because they came too fast to be looked at; since the view of the device began. */
  readonly passedOver: number
}

/** What a device says of itself on its `info` topic: at most 16 short fields, `model`, `serial`, `firmware` and the like. */
export type DeviceInfo = Readonly<Record<string, string | number | boolean>>

/** Presence of one device, from the broker's presence frames and its messages. */
export interface Presence {
  /** A connection of its own is open; or its gateway is connected, and what that sent of it last was not `offline`. */
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
/** Readings by column; index i of each belongs together. */
export interface LiveColumns extends LatestColumns {
  readonly seriesIds: Int32Array
}

export interface PresenceChange {
  readonly deviceId: DeviceId
  readonly siteId: SiteId
  readonly online: boolean
  readonly lastSeenMs: number | null
}

/** What is new since the call before. */
export interface LiveNews {
  /** Everything up to here is in it. */
  readonly position: LogPosition
  /** Another one: a device was made, changed or removed, and may belong to another site. */
  readonly registryVersion: number
  /** The newest reading of each series that has another one than before. */
  readonly values: LiveColumns
  /** Devices that came online or went offline; null: what was before is not known. */
  readonly presence: readonly PresenceChange[] | null
}

/** Which series somebody wants. */
export interface LiveSelection {
  readonly sites: SiteScope
  /** Of these devices only, and these metrics only. */
  readonly devices?: readonly string[] | undefined
  readonly metrics?: readonly string[] | undefined
}

/** What a series is called, and where it is now; null: there is no such device any more. */
export type LiveName = { readonly deviceId: DeviceId; readonly siteId: SiteId; readonly metric: MetricName } | null

/** For those who follow what comes in. All of it from memory; one caller at a time. */
export interface LiveQueries {
  news(ask: { readonly values: boolean; readonly presence: boolean }): Promise<LiveNews>
  /** The newest reading of each selected series, so many at most. */
  latest(selection: LiveSelection, limit: number): Promise<LiveColumns>
  /**
   * The selected readings behind that position, in the order in which they came; of more than `limit` the newest of each series.
   * Undefined: they are not held, or not all of them.
   */
  replay(selection: LiveSelection, after: LogPosition, limit: number): Promise<LiveColumns | undefined>
  /** Index i answers seriesIds[i]. */
  names(seriesIds: Int32Array): Promise<readonly LiveName[]>
}

export interface IngestQueries {
  /** Index i answers deviceIds[i]; a device that ingest does not know was never seen. */
  presence(deviceIds: readonly DeviceId[]): Promise<readonly Presence[]>
  /** The reading with the newest time of each series, which need not be the one received last. */
  latest(seriesIds: Int32Array): Promise<LatestColumns>
  /** The last messages about the device, or that it sent where they are about none; those behind a position only. */
  messages(deviceId: DeviceId, after: LogPosition): Promise<MessagesSeen>
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
  /** Messages without a time or from a clock ahead that came again, recognised by packet identifier or bytes. */
  readonly redeliveries: number
  /** Times a series was silent for more than three of its reporting intervals and then went on. */
  readonly gaps: number
  /** Stored, but not shown to the rules: not newer than the last of their series, or under a time not the device's own. */
  readonly notJudged: number
  readonly rejected: Readonly<Record<RejectReason, number>>
  /** Rejected but not listed, because the device exceeded 100 entries a second. */
  readonly rejectedUnlisted: number
  /** Everything up to here has been judged; ahead of `position` while the readings store is slow or down. */
  readonly judgedPosition: LogPosition
  /** The store refuses writes and ingest is retrying. */
  readonly storeDown: boolean
}

/** Where series ids come from; of store/state. */
export type IngestSeries = Pick<SeriesRegistry, 'ensure' | 'list' | 'highest'>
/** Where rejected messages go, with the position they reach to; of store/state. Consumer name `ingest`. */
export type IngestLedger = Pick<Ledger, 'position' | 'commit'>

/** What watches one device. Hot: healthy readings are compared with its columns, and nobody is called. */
export interface DeviceWatch {
  /**
   * The least and the greatest value of each series that change nothing now, side by side, by slot. Read only, because
   * devices may share it; another array when any call to the evaluator has changed it.
   */
  readonly calm: Float64Array
  /** A message came from the device, or for it through its gateway; whatever became of it. */
  seen(): void
  /**
   * A reading newer than the series' last one, under a time that is the device's own or that of its arrival. May be
   * left out when its value is calm.
   */
  take(slot: number, timeMs: number, value: number, quality: Quality): void
}

/**
 * Who judges what passes, frame by frame: the rules. Like ingest's memory it is a function of the frames alone, part of
 * the same snapshot, and its effects have a position of their own: what it did up to there it does not do again.
 *
 * It sees every frame once, in order: first `beginFrame`, then what the frame amounts to. It may be some way ahead of
 * the readings store, and never waits for it.
 */
export interface Evaluator {
  /** How far its effects are recorded. Once, before anything else. */
  open(): Promise<LogPosition>
  /** The memory of the evaluator, for the snapshot; the bytes do not change when it goes on. */
  encode(): Uint8Array
  /** Fills a fresh one. Throws on bytes that `encode` did not write. */
  decode(bytes: Uint8Array): void
  /** Before everything else of the frame that ends at `position`: what was due at or before `receivedMs` happens now. */
  beginFrame(receivedMs: number, position: LogPosition): void
  /**
   * A record of state, as its control frame tells it (an empty payload: it is gone); called after ingest's own memory
   * has taken it. Does not throw on one that it cannot read. An evaluator that finds a memory older than itself is told
   * the profiles and devices there are in the same way.
   */
  control(topic: string, payload: Uint8Array): void
  /** Grows when what `watch` answers may have changed. */
  readonly version: number
  /**
   * Undefined: nobody watches the device. Slots are places in `metrics`; it is asked once per version, and again when the
   * device has more metrics. Asking changes no effects.
   */
  watch(device: DeviceRecord, metrics: readonly MetricName[]): DeviceWatch | undefined
  /** Effects that wait to be recorded. */
  readonly pending: number
  /**
   * Records what is pending of the frames up to `position`, in order, and the position. Durable when it resolves; frames
   * go on meanwhile. Calls do not overlap; after a retryable error the call is repeated with the same position.
   */
  commit(position: LogPosition): Promise<void>
}
