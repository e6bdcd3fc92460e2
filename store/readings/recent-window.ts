import type { SeriesId } from '../../model/index.ts'

/** Readings of one block: fewer waste less on series that are seldom written, more cost less in blocks. */
const blockSlots = 32
const bytesPerSlot = 3 * Float64Array.BYTES_PER_ELEMENT + 1
const none = -1

/**
 * The newest readings of every series, in memory of a fixed size. Readings lie in blocks of one series each; blocks are
 * taken in a circle, so the one taken over next is always its series' oldest. Held readings of a series ascend in time
 * and lack none that was pushed since the oldest of them. Per reading some ten array accesses and no allocation: this
 * runs for everything that is stored.
 */
export class RecentWindow {
  readonly #times: Float64Array
  readonly #values: Float64Array
  readonly #received: Float64Array
  readonly #quality: Uint8Array
  #nextBlock = 0
  /** Per block: its series, the block that continues it, and its readings as [first, end). */
  readonly #owner: Int32Array
  readonly #following: Int32Array
  readonly #first: Uint8Array
  readonly #end: Uint8Array
  /** Per series. */
  #oldest: Int32Array = new Int32Array(0)
  #newest: Int32Array = new Int32Array(0)
  #newestMs: Float64Array = new Float64Array(0)
  /** Per series: what was pushed before this may have been let go; of every series, what was before `#floorMs`. */
  #heldFromMs: Float64Array = new Float64Array(0)
  #floorMs = Number.NEGATIVE_INFINITY

  constructor(bytesMax: number) {
    const blocks = Math.max(1, Math.floor(bytesMax / (blockSlots * bytesPerSlot)))
    this.#times = new Float64Array(blocks * blockSlots)
    this.#values = new Float64Array(blocks * blockSlots)
    this.#received = new Float64Array(blocks * blockSlots)
    this.#quality = new Uint8Array(blocks * blockSlots)
    this.#owner = new Int32Array(blocks).fill(none)
    this.#following = new Int32Array(blocks).fill(none)
    this.#first = new Uint8Array(blocks)
    this.#end = new Uint8Array(blocks)
  }

  /** Time of the oldest reading held; Infinity: none is. */
  oldestMs(seriesId: SeriesId): number {
    const block = this.#oldest[seriesId] ?? none
    if (block === none) return Number.POSITIVE_INFINITY
    return this.#times[block * blockSlots + (this.#first[block] ?? 0)] ?? Number.POSITIVE_INFINITY
  }

  /** All that was ever pushed with this time or a later one is held; -Infinity: simply all. */
  heldFromMs(seriesId: SeriesId): number {
    return Math.max(this.#floorMs, this.#heldFromMs[seriesId] ?? Number.NEGATIVE_INFINITY)
  }

  /** The newest time ever told of the series; -Infinity: none was. */
  newestMs(seriesId: SeriesId): number {
    return this.#newestMs[seriesId] ?? Number.NEGATIVE_INFINITY
  }

  /**
   * A reading that is newer than what is held extends it; a late one ends what was held before it. True: it may have changed
   * what lay at or before the newest time.
   */
  push(seriesId: SeriesId, timeMs: number, value: number, quality: number, receivedMs: number): boolean {
    if (seriesId >= this.#newestMs.length) this.#grow(seriesId)
    const newestMs = this.#newestMs[seriesId] ?? Number.NEGATIVE_INFINITY
    let block = this.#newest[seriesId] ?? none
    const isNewer = timeMs > newestMs
    if (isNewer) {
      if (block === none || this.#end[block] === blockSlots) block = this.#takeBlock(seriesId)
      this.#end[block] = (this.#end[block] ?? 0) + 1
      this.#newestMs[seriesId] = timeMs
    } else if (timeMs < newestMs || block === none) {
      this.trim(seriesId, timeMs)
      return true
    }
    const slot = block * blockSlots + (this.#end[block] ?? 0) - 1
    const isChange = !isNewer && (this.#values[slot] !== value || this.#quality[slot] !== quality)
    this.#times[slot] = timeMs
    this.#values[slot] = value
    this.#received[slot] = receivedMs
    this.#quality[slot] = quality
    return isChange
  }

  /** Someone else knows of a reading that new: what is not newer than it does not extend what is held. */
  raiseNewest(seriesId: SeriesId, timeMs: number): void {
    if (timeMs <= this.newestMs(seriesId)) return
    if (seriesId >= this.#newestMs.length) this.#grow(seriesId)
    this.trim(seriesId, timeMs)
    this.#newestMs[seriesId] = timeMs
  }

  /** Lets go of readings up to `timeMs`, inclusive. */
  trim(seriesId: SeriesId, timeMs: number): void {
    this.#letGo(seriesId, timeMs)
    for (let block = this.#oldest[seriesId] ?? none; block !== none; block = this.#oldest[seriesId] ?? none) {
      const end = this.#end[block] ?? 0
      let first = this.#first[block] ?? 0
      while (first < end && (this.#times[block * blockSlots + first] ?? 0) <= timeMs) first++
      this.#first[block] = first
      if (first < end) return
      this.#dropOldest(seriesId, block)
    }
  }

  /** Every series: lets go of readings up to `timeMs`, inclusive. */
  trimAll(timeMs: number): void {
    this.#floorMs = Math.max(this.#floorMs, timeMs + 1)
    for (let seriesId = 0; seriesId < this.#oldest.length; seriesId++) this.trim(seriesId, timeMs)
  }

  /** Readings held from `fromMs` on, oldest first, until `visit` answers false. */
  walk(
    seriesId: SeriesId,
    fromMs: number,
    visit: (timeMs: number, value: number, quality: number, receivedMs: number) => boolean,
  ): void {
    for (let block = this.#oldest[seriesId] ?? none; block !== none; block = this.#following[block] ?? none) {
      const end = block * blockSlots + (this.#end[block] ?? 0)
      if ((this.#times[end - 1] ?? 0) < fromMs) continue
      for (let slot = block * blockSlots + (this.#first[block] ?? 0); slot < end; slot++) {
        const timeMs = this.#times[slot] ?? 0
        if (timeMs < fromMs) continue
        if (!visit(timeMs, this.#values[slot] ?? 0, this.#quality[slot] ?? 0, this.#received[slot] ?? 0)) return
      }
    }
  }

  #takeBlock(seriesId: SeriesId): number {
    const block = this.#nextBlock
    this.#nextBlock = (block + 1) % this.#owner.length
    const before = this.#owner[block] ?? none
    if (before !== none) this.#dropOldest(before, block)
    this.#owner[block] = seriesId
    this.#following[block] = none
    this.#first[block] = 0
    this.#end[block] = 0
    const last = this.#newest[seriesId] ?? none
    if (last === none) this.#oldest[seriesId] = block
    else this.#following[last] = block
    this.#newest[seriesId] = block
    return block
  }

  /** Also what is not held may be let go: then nothing so old is held from now on. */
  #letGo(seriesId: SeriesId, timeMs: number): void {
    this.#heldFromMs[seriesId] = Math.max(this.#heldFromMs[seriesId] ?? Number.NEGATIVE_INFINITY, timeMs + 1)
  }

  #dropOldest(seriesId: SeriesId, block: number): void {
    this.#letGo(seriesId, this.#times[block * blockSlots + (this.#end[block] ?? 0) - 1] ?? Number.NEGATIVE_INFINITY)
    const following = this.#following[block] ?? none
    this.#oldest[seriesId] = following
    if (following === none) this.#newest[seriesId] = none
    this.#owner[block] = none
  }

  #grow(seriesId: SeriesId): void {
    const before = this.#newestMs.length
    const size = Math.max(1_024, seriesId + 1, before * 2)
    const oldest = new Int32Array(size).fill(none, before)
    const newest = new Int32Array(size).fill(none, before)
    const newestMs = new Float64Array(size).fill(Number.NEGATIVE_INFINITY, before)
    oldest.set(this.#oldest)
    newest.set(this.#newest)
    newestMs.set(this.#newestMs)
    const heldFromMs = new Float64Array(size).fill(Number.NEGATIVE_INFINITY, before)
    heldFromMs.set(this.#heldFromMs)
    this.#oldest = oldest
    this.#newest = newest
    this.#newestMs = newestMs
    this.#heldFromMs = heldFromMs
  }
}
