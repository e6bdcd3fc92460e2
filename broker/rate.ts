/** Tokens refill evenly; a burst of one second's worth (at least one) goes through at once. Times are monotonic ms. */
export class TokenBucket {
  readonly #perS: number
  #tokens: number
  #filledMs: number

  constructor(perS: number, nowMs: number) {
    this.#perS = perS
    this.#tokens = Math.max(1, perS)
    this.#filledMs = nowMs
  }

  /** False: there is none now. */
  take(nowMs: number): boolean {
    this.#fill(nowMs)
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  /** Takes one in any case; ms until the debt is paid off, 0 without one. */
  spend(nowMs: number): number {
    this.#fill(nowMs)
    this.#tokens -= 1
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens * 1000) / this.#perS)
  }

  #fill(nowMs: number): void {
    const gained = Math.max(0, nowMs - this.#filledMs) * (this.#perS / 1000)
    this.#tokens = Math.min(Math.max(1, this.#perS), this.#tokens + gained)
    this.#filledMs = nowMs
  }
}
