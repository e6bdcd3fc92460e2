import type { ReadingBatch, SeriesId } from '../../model/index.ts'
import type { LogPosition } from '../../store/log/index.ts'

/** Readings held; with their columns some 4.8 MB. */
export const readingsHeld = 2 ** 17

/** The newest readings as they came, each with the position of the log at the end of the turn that brought it. */
export class ReadingRing {
  readonly #seriesIds = new Int32Array(readingsHeld)
  readonly #timesMs = new Float64Array(readingsHeld)
  readonly #values = new Float64Array(readingsHeld)
  readonly #quality = new Uint8Array(readingsHeld)
  readonly #receivedMs = new Float64Array(readingsHeld)
  readonly #positions = new Float64Array(readingsHeld)
  /** Readings ever kept; the place of the next one is its remainder. */
  #count = 0
  #first = 0
  /** Readings up to here are not held. */
  #after: LogPosition
  #end: LogPosition
  /** What was looked at last, and how much of it is here. */
  #batch: ReadingBatch | undefined
  #taken = 0

  constructor(position: LogPosition) {
    this.#after = this.#end = position
  }

  /** Copies what the batch has got since it was looked at last; it was empty then, or another one. */
  take(batch: ReadingBatch, position: LogPosition): void {
    const from = batch === this.#batch && batch.length >= this.#taken ? this.#taken : 0
    this.#batch = batch
    this.#taken = batch.length
    this.#end = position
    if (batch.length - from > readingsHeld) {
      this.#forget(position)
      return
    }
    this.#makeRoom(batch.length - from)
    for (let i = from; i < batch.length; ) {
      const place = this.#count % readingsHeld
      const end = Math.min(batch.length, i + readingsHeld - place)
      this.#copy(batch, { from: i, to: end, place, position })
      this.#count += end - i
      i = end
    }
  }

  /** Readings up to here have passed by. */
  skip(position: LogPosition): void {
    this.#forget(position)
    this.#end = position
    this.#batch = undefined
  }

  /**
   * Calls for each reading behind the position, the oldest first; false, without having called, when not all of them are
   * held. `at` is a place in the columns.
   */
  since(position: LogPosition, each: (at: number) => void): boolean {
    if (position < this.#after || position > this.#end) return false
    let low = this.#first
    let high = this.#count
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if ((this.#positions[middle % readingsHeld] ?? 0) <= position) low = middle + 1
      else high = middle
    }
    for (let i = low; i < this.#count; i++) each(i % readingsHeld)
    return true
  }

  seriesId(at: number): SeriesId {
    return this.#seriesIds[at] ?? 0
  }

  timeMs(at: number): number {
    return this.#timesMs[at] ?? Number.NaN
  }

  value(at: number): number {
    return this.#values[at] ?? Number.NaN
  }

  quality(at: number): number {
    return this.#quality[at] ?? 0
  }

  receivedMs(at: number): number {
    return this.#receivedMs[at] ?? 0
  }

  #forget(position: LogPosition): void {
    this.#first = this.#count
    this.#after = position
  }

  /** The oldest go; those that came in one turn with them are not whole any more. */
  #makeRoom(more: number): void {
    const first = this.#count + more - readingsHeld
    if (first <= this.#first) return
    this.#after = this.#positions[(first - 1) % readingsHeld] ?? this.#end
    this.#first = first
  }

  #copy(
    batch: ReadingBatch,
    { from, to, place, position }: { from: number; to: number; place: number; position: number },
  ): void {
    this.#seriesIds.set(batch.seriesIds.subarray(from, to), place)
    this.#timesMs.set(batch.timesMs.subarray(from, to), place)
    this.#values.set(batch.values.subarray(from, to), place)
    this.#quality.set(batch.quality.subarray(from, to), place)
    this.#receivedMs.set(batch.receivedMs.subarray(from, to), place)
    this.#positions.fill(position, place, place + to - from)
  }
}
