/** Frames come at least once a second; between two that are further apart than this there was no platform. */
const downtimeFromMs = 5_000

/**
 * The log's time without the platform's downtime, and the moment that is being judged: a frame's, or that of a timer
 * which was due before it.
 */
export class EngineClock {
  /** Received time of the moment; NaN: no frame yet. */
  receivedMs = Number.NaN
  /** The moment in engine time: received time less all downtime so far. */
  nowMs = Number.NEGATIVE_INFINITY
  /** All downtime so far. */
  downtimeMs = 0
  /** End of the frame that is being taken. */
  position = 0
  #frameMs = Number.NEGATIVE_INFINITY
  #frameBeforeMs = Number.NEGATIVE_INFINITY

  get begun(): boolean {
    return !Number.isNaN(this.receivedMs)
  }

  /** The moment becomes that of the next frame. */
  beginFrame(receivedMs: number, position: number): void {
    this.position = position
    this.#frameBeforeMs = this.#frameMs
    const gapMs = receivedMs - this.receivedMs
    // The log's time never goes back; if it did, the engine's would not.
    if (gapMs <= 0) return
    if (gapMs > downtimeFromMs) this.downtimeMs += gapMs
    this.receivedMs = receivedMs
    this.#frameMs = receivedMs - this.downtimeMs
    this.nowMs = this.#frameMs
  }

  /**
   * The moment becomes that of a timer. A change can make one due that would have been due long ago: then it is due as
   * soon as the change was known.
   */
  moveTo(dueMs: number): void {
    this.nowMs = Math.max(dueMs, this.#frameBeforeMs)
    this.receivedMs = this.nowMs + this.downtimeMs
  }

  /** The moment is the frame's again. */
  moveToFrame(): void {
    this.moveTo(this.#frameMs)
  }

  /** To where a snapshot left it. */
  restore(receivedMs: number, downtimeMs: number): void {
    this.receivedMs = receivedMs
    this.downtimeMs = downtimeMs
    this.#frameMs = this.begun ? receivedMs - downtimeMs : Number.NEGATIVE_INFINITY
    this.nowMs = this.#frameMs
  }
}
