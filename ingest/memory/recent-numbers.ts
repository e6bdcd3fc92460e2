/** Numbers, each with a time; beyond the bound those added first make room. */
export class RecentNumbers {
  readonly #times = new Map<number, number>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#times.size
  }

  get(number: number): number | undefined {
    return this.#times.get(number)
  }

  add(number: number, timeMs: number): void {
    if (this.#times.size >= this.#most && !this.#times.has(number)) {
      const first = this.#times.keys().next().value
      if (first !== undefined) this.#times.delete(first)
    }
    this.#times.set(number, timeMs)
  }

  entries(): Iterable<readonly [number: number, timeMs: number]> {
    return this.#times
  }
}
