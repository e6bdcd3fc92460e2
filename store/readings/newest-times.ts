/** The newest time per key of one table: stored, and in the batch being staged. Arrays, for it is asked for every row. */
export class NewestTimes {
  #storedMs: Float64Array = new Float64Array(0)
  #stagedMs: Float64Array = new Float64Array(0)
  #stagedRow: Int32Array = new Int32Array(0)
  /** The batch that the two above are from. */
  #stagedIn: Float64Array = new Float64Array(0)
  #batch = 0

  /** What was staged before is forgotten. */
  beginBatch(): void {
    this.#batch++
  }

  store(key: number, timeMs: number): void {
    this.#reserve(key)
    if (timeMs > (this.#storedMs[key] ?? Number.NEGATIVE_INFINITY)) this.#storedMs[key] = timeMs
  }

  /** -Infinity: nothing of the key yet. */
  newestMs(key: number): number {
    if (this.#stagedIn[key] === this.#batch) return this.#stagedMs[key] ?? Number.NEGATIVE_INFINITY
    return this.#storedMs[key] ?? Number.NEGATIVE_INFINITY
  }

  /** By key, as they are stored now; -Infinity or undefined: nothing is. */
  stored(): Float64Array {
    return this.#storedMs.slice()
  }

  /** Row of the key's newest time where that is of this batch, else -1. */
  newestRow(key: number): number {
    return this.#stagedIn[key] === this.#batch ? (this.#stagedRow[key] ?? -1) : -1
  }

  stage(key: number, timeMs: number, row: number): void {
    this.#reserve(key)
    this.#stagedMs[key] = timeMs
    this.#stagedRow[key] = row
    this.#stagedIn[key] = this.#batch
  }

  #reserve(key: number): void {
    if (key < this.#storedMs.length) return
    const size = Math.max(256, key + 1, this.#storedMs.length * 2)
    const storedMs = new Float64Array(size).fill(Number.NEGATIVE_INFINITY)
    const stagedMs = new Float64Array(size)
    const stagedRow = new Int32Array(size)
    const stagedIn = new Float64Array(size)
    storedMs.set(this.#storedMs)
    stagedMs.set(this.#stagedMs)
    stagedRow.set(this.#stagedRow)
    stagedIn.set(this.#stagedIn)
    this.#storedMs = storedMs
    this.#stagedMs = stagedMs
    this.#stagedRow = stagedRow
    this.#stagedIn = stagedIn
  }
}
