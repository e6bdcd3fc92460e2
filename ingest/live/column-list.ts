import type { SeriesId } from '../../model/index.ts'
import type { LiveColumns } from '../ports.ts'

/** Gathers readings, of which nobody knows before how many there are. */
export class ColumnList {
  readonly #seriesIds: number[] = []
  readonly #timesMs: number[] = []
  readonly #values: number[] = []
  readonly #quality: number[] = []

  get length(): number {
    return this.#seriesIds.length
  }

  push(seriesId: SeriesId, timeMs: number, value: number, quality: number): void {
    this.#seriesIds.push(seriesId)
    this.#timesMs.push(timeMs)
    this.#values.push(value)
    this.#quality.push(quality)
  }

  columns(): LiveColumns {
    return {
      seriesIds: Int32Array.from(this.#seriesIds),
      timesMs: Float64Array.from(this.#timesMs),
      values: Float64Array.from(this.#values),
      quality: Uint8Array.from(this.#quality),
    }
  }
}
