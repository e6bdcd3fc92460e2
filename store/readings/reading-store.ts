import type { DeviceId, MetricName, ProfileId, ReadingBatch, SeriesId } from '../../model/index.ts'
import type { LogPosition } from '../log/index.ts'

/** What a store must know of a series to lay it out. `profileId` and `known` never change once the series exists. */
export interface SeriesInfo {
  readonly seriesId: SeriesId
  readonly deviceId: DeviceId
  /** Small integer that stands for the device in stored rows. */
  readonly deviceNumber: number
  readonly metric: MetricName
  /** Profile of the device when the series began: a store may keep a table or a measurement per profile. */
  readonly profileId: ProfileId
  /** Whether the profile had the metric when the series began; the others are *discovered* metrics. */
  readonly known: boolean
}

export interface SeriesCatalog {
  get(seriesId: SeriesId): SeriesInfo | undefined
  /**
   * Numbers of the devices with a series that have borne this id, ascending: once a device is removed, another may be
   * given its id. The first never changes.
   */
  bearersOf(deviceId: DeviceId): readonly number[]
}

/** Times are epoch ms, ranges half-open [fromMs, toMs). */
export interface RangeQuery {
  readonly seriesId: SeriesId
  readonly fromMs: number
  readonly toMs: number
  /** At most so many readings, the oldest first. */
  readonly limit: number
}

export interface ReadingColumns {
  readonly timesMs: Float64Array
  readonly values: Float64Array
  readonly quality: Uint8Array
  /** When the last message with a reading of this device and time was received: of this series, or of one beside it. */
  readonly receivedMs: Float64Array
}

export interface BucketQuery {
  readonly seriesId: SeriesId
  /** n + 1 ascending edges make n half-open buckets, 10,000 at most; the caller computes them in the site's zone. */
  readonly edgesMs: Float64Array
}

/** Index i is bucket [edgesMs[i], edgesMs[i+1]); where count is 0 the others are NaN. A sum may overflow to Infinity; nothing else does. */
export interface BucketColumns {
  readonly count: Float64Array
  readonly avg: Float64Array
  readonly min: Float64Array
  readonly max: Float64Array
  readonly sum: Float64Array
  readonly first: Float64Array
  readonly last: Float64Array
}

export interface ReadingStoreStats {
  /** Readings (values) in the store, exactly, as of the last write that resolved; null: it would have to count them all. */
  readonly readings: number | null
  readonly rows: number | null
  /** Null: another machine's disk holds them. */
  readonly bytes: number | null
  /**
   * Rows that did not come in their device's order: strays, repetitions, and parts of a row stored before. So far, or,
   * where the store does not keep count, since the start.
   */
  readonly lateRows: number
}

/** A reading of a batch that the store will never take, and why, in its own words. */
export interface RefusedReading {
  /** In the batch. */
  readonly index: number
  readonly reason: string
}

export interface WriteOutcome {
  /** Ascending by index; all others are stored. */
  readonly refused: readonly RefusedReading[]
}

/** What a store knows of where its readings came from. */
export interface StoreMarks {
  /** Everything up to here is stored; 0 when new. */
  readonly position: LogPosition
  /** The log that the positions are of; undefined: nothing was written, or before stores kept it. */
  readonly logId: string | undefined
  /** Of what was ever stored; 0: nothing was. */
  readonly highestDevice: number
  readonly highestSeries: SeriesId
  /**
   * From then on, epoch ms, the store had nothing of the series when it was opened: no reading, and no rollup that outlived
   * its readings; -Infinity: nothing at all. It may be later than it need be. Absent: `latest` has to be asked.
   */
  readonly emptyFromMs?: (seriesId: SeriesId) => number
}

/**
 * Where readings rest. A reading is (series, time); the last write of one wins. Values are finite, times whole epoch ms
 * (a fraction is cut off). Errors are AppErrors; after a retryable one nothing was changed, or all of it, and the call may be
 * repeated as it was.
 * After `close` every call rejects with `closed`, except `close`.
 */
export interface ReadingStore {
  /**
   * Somebody else keeps it: it may be out of reach at a start, and be emptied or set back behind our back. Its position
   * may be behind what it has, and what is written to it again changes nothing.
   */
  readonly remote: boolean
  /** Opens or makes the store. A remote one may be opened again at any time. */
  open(): Promise<StoreMarks>
  /**
   * Stores the batch and the position; durable when it resolves. Calls do not overlap. A batch may hold the same (series,
   * time) more than once, and readings older than what is stored; it must not change meanwhile. In a store that is not
   * remote both are one transaction. A remote one counts a batch with refused readings as stored once the next call comes,
   * so that they are told again after a crash; it rejects with `store_emptied`, and stores nothing, when it finds that it no longer
   * has what was written before, and takes whatever comes then.
   */
  write(batch: ReadingBatch, position: LogPosition): Promise<WriteOutcome>
  /** Ascending by time. */
  range(query: RangeQuery): Promise<ReadingColumns>
  buckets(query: BucketQuery): Promise<BucketColumns>
  /** The newest reading of each series; index i answers seriesIds[i], time NaN where there is none. */
  latest(seriesIds: Int32Array): Promise<ReadingColumns>
  /**
   * Removes the whole UTC days before `beforeMs`; of rollups those before `rollupsBeforeMs`, by default the same, are removed
   * too. Rollups that are kept longer go on to answer `buckets`, in whole slots; what comes for such a time afterwards is not counted.
   */
  expire(beforeMs: number, rollupsBeforeMs?: number): Promise<void>
  stats(): Promise<ReadingStoreStats>
  close(): Promise<void>
}

/** New readings alone, or also what has changed since it was rolled up. */
export type RollUp = 'new' | 'all'

export interface RollUpStep {
  /** Readings are rolled up to here, epoch ms, but for what has changed since. */
  readonly untilMs: number
}

/**
 * A store that keeps rollups: per series and quarter of an hour (UTC) what `buckets` is made of. They are never wrong: what is not
 * rolled up, or has changed since, is answered from the readings. `buckets` gives the same with and without, but that sums
 * are added up in another order.
 */
export interface RollableStore {
  /**
   * Rolls up some of what lies before `beforeMs`, between two writes; undefined: nothing is left to do. After a crash, and in
   * a store from before rollups, it goes on where it was.
   */
  rollUp(beforeMs: number, what: RollUp): Promise<RollUpStep | undefined>
  /** Before this, epoch ms, rollups have outlived the readings; -Infinity: nowhere. */
  outlivedMs(): Promise<number>
  /** The rollups of one series in [fromMs, toMs), ascending. */
  rollups(query: Omit<RangeQuery, 'limit'>): Promise<RollupColumns>
  /** From now on only rollups answer what lies before `beforeMs`, the begin of a UTC day; what it has of readings there does not count. */
  outlive(beforeMs: number): Promise<void>
  /** Takes over rollups from another store, of slots that are outlived, in place of those that it has of the series and that time. */
  takeRollups(seriesId: SeriesId, rollups: RollupColumns): Promise<void>
}

/** Index i is the slot that begins at `slotsMs[i]`; each has at least one reading. */
export interface RollupColumns extends Omit<BucketColumns, 'avg'> {
  readonly slotsMs: Float64Array
}

/** What of a series may be kept, and until when; index i answers the i-th query. */
export interface SeriesMarks {
  /** Another one after each start, and after whatever removes readings or puts others in their place. */
  readonly epoch: string
  /**
   * Under one epoch and one version of a series nothing changes that lies at or before its newest reading: only what is
   * newer comes.
   */
  readonly versions: Float64Array
  /** Time of the newest reading, or a later one before which none will be taken for newer; NaN: there is none. */
  readonly newestMs: Float64Array
}

export interface BucketsWithMarks extends SeriesMarks {
  readonly buckets: readonly BucketColumns[]
}

export interface ReadingsWithMarks extends SeriesMarks {
  readonly readings: readonly ReadingColumns[]
}

/** A store that says what may be kept of its answers. */
export interface MarkedStore extends ReadingStore {
  /**
   * Buckets of many series, each made of exactly what lies at or before its newest reading at the time of the call; the marks
   * are of that time. A query without edges asks for the marks alone.
   */
  marked(queries: readonly BucketQuery[]): Promise<BucketsWithMarks>
  /** The same of readings as they came. A range that is empty asks for the marks alone. */
  markedRanges(queries: readonly RangeQuery[]): Promise<ReadingsWithMarks>
}
