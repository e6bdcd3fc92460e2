import type { SeriesId } from './ids.ts'
import type { Quality } from './quality.ts'

/**
 * Readings as columns: index i of every column is one reading; only `[0, length)` is filled.
 * The readings of one message (one device, one time) stay adjacent: a *row* is a run of equal device and time, so a
 * store that keeps rows rebuilds them in one pass.
 */
export interface ReadingBatch {
  readonly length: number
  readonly seriesIds: Int32Array
  /** Epoch ms the value is stored under. */
  readonly timesMs: Float64Array
  readonly values: Float64Array
  /** One of `quality`. */
  readonly quality: Uint8Array
  /** Epoch ms the message was received. */
  readonly receivedMs: Float64Array
  /** The device's own time where it is not the stored one (a clock too far ahead), else NaN. */
  readonly deviceTimesMs: Float64Array
}

/** Grows by doubling and is reused with `clear()`; reading it as a ReadingBatch is valid until the next push or clear. */
export class ReadingBatchBuilder implements ReadingBatch {
  length = 0
  seriesIds: Int32Array
  timesMs: Float64Array
  values: Float64Array
  quality: Uint8Array
  receivedMs: Float64Array
  deviceTimesMs: Float64Array

  constructor(capacity = 1024) {
    this.seriesIds = new Int32Array(capacity)
    this.timesMs = new Float64Array(capacity)
    this.values = new Float64Array(capacity)
    this.quality = new Uint8Array(capacity)
    this.receivedMs = new Float64Array(capacity)
    this.deviceTimesMs = new Float64Array(capacity)
  }

  // Six scalars instead of one object: this runs for every value of every message.
  push(
    seriesId: SeriesId,
    timeMs: number,
    value: number,
    quality: Quality,
    receivedMs: number,
    deviceTimeMs: number,
  ): void {
    const i = this.length
    if (i === this.seriesIds.length) this.#grow()
    this.seriesIds[i] = seriesId
    this.timesMs[i] = timeMs
    this.values[i] = value
    this.quality[i] = quality
    this.receivedMs[i] = receivedMs
    this.deviceTimesMs[i] = deviceTimeMs
    this.length = i + 1
  }

  clear(): void {
    this.length = 0
  }

  #grow(): void {
    const capacity = Math.max(16, this.seriesIds.length * 2)
    const wider = <T extends Int32Array | Float64Array | Uint8Array>(from: T, to: T): T => {
      to.set(from)
      return to
    }
    this.seriesIds = wider(this.seriesIds, new Int32Array(capacity))
    this.timesMs = wider(this.timesMs, new Float64Array(capacity))
    this.values = wider(this.values, new Float64Array(capacity))
    this.quality = wider(this.quality, new Uint8Array(capacity))
    this.receivedMs = wider(this.receivedMs, new Float64Array(capacity))
    this.deviceTimesMs = wider(this.deviceTimesMs, new Float64Array(capacity))
  }
}
