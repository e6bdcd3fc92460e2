/**
 * When each device was heard last, on both clocks, and whether anybody waits to hear it: as columns, because every
 * message writes there.
 */
export class LastSeen {
  /** Received time and engine time, side by side. */
  #times = new Float64Array(2 * 64)
  #missed = new Uint8Array(64)
  readonly #free: number[] = []
  #seats = 0

  /** A device's place, until `leave`. */
  sit(): number {
    const seat = this.#free.pop() ?? this.#seats++
    if (seat >= this.#missed.length) this.#grow()
    this.note(seat, Number.NaN, Number.NEGATIVE_INFINITY)
    this.setMissed(seat, false)
    return seat
  }

  leave(seat: number): void {
    this.#free.push(seat)
  }

  note(seat: number, receivedMs: number, engineMs: number): void {
    this.#times[2 * seat] = receivedMs
    this.#times[2 * seat + 1] = engineMs
  }

  /** NaN: never. */
  receivedMs(seat: number): number {
    return this.#times[2 * seat] ?? Number.NaN
  }

  engineMs(seat: number): number {
    return this.#times[2 * seat + 1] ?? Number.NEGATIVE_INFINITY
  }

  /** Whether the next message does more than to be there. */
  isMissed(seat: number): boolean {
    return this.#missed[seat] !== 0
  }

  setMissed(seat: number, missed: boolean): void {
    this.#missed[seat] = missed ? 1 : 0
  }

  #grow(): void {
    const [times, missed] = [this.#times, this.#missed]
    this.#times = new Float64Array(2 * times.length)
    this.#times.set(times)
    this.#missed = new Uint8Array(2 * missed.length)
    this.#missed.set(missed)
  }
}
