import type { SeriesId } from '../../model/index.ts'

/** What was told of each series last, so that nothing is told twice. 16 bytes a series. */
export class Told {
  #timesMs = new Float64Array(1024).fill(Number.NaN)
  #values = new Float64Array(1024)

  /** Whether it is other than what was told before; from now on it is what was told. */
  tell(seriesId: SeriesId, timeMs: number, value: number): boolean {
    if (seriesId >= this.#timesMs.length) this.#grow(seriesId)
    if (this.#timesMs[seriesId] === timeMs && this.#values[seriesId] === value) return false
    this.#timesMs[seriesId] = timeMs
    this.#values[seriesId] = value
    return true
  }

  #grow(seriesId: SeriesId): void {
    const capacity = Math.max(seriesId + 1, this.#timesMs.length * 2)
    const times = new Float64Array(capacity).fill(Number.NaN)
    const values = new Float64Array(capacity)
    times.set(this.#timesMs)
    values.set(this.#values)
    this.#timesMs = times
    this.#values = values
  }
}
