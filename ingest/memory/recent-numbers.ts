/**
 * Numbers, each with a time; beyond the bound those added first make room. Most devices never have any, and every
 * message asks: the map is made with the first.
 */
export class RecentNumbers {
  #times: Map<number, number> | undefined
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#times?.size ?? 0
  }

  get(number: number): number | undefined {
    return this.#times?.get(number)
  }

  add(number: number, timeMs: number): void {
    this.#times ??= new Map()
    if (this.#times.size >= this.#most && !this.#times.has(number)) {
      const first = this.#times.keys().next().value
      if (first !== undefined) this.#times.delete(first)
    }
    this.#times.set(number, timeMs)
  }

  entries(): Iterable<readonly [number: number, timeMs: number]> {
    return this.#times ?? []
  }
}
