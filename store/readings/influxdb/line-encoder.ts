import type { ReadingBatch } from '../../../model/index.ts'
import type { Layout } from './layout.ts'
import { deviceTimeField, receivedField } from './names.ts'
import type { PointStage } from './point-stage.ts'

/**
 * Line protocol, straight from the columns: a library's Point for each costs more than twice as much. Of a metric that a
 * point holds twice the last reading counts.
 */
export class LineEncoder {
  readonly #layout: Layout
  readonly #stage: PointStage
  /** By series: the last item of it in the point being written. */
  #last: Int32Array = new Int32Array(0)

  constructor(layout: Layout, stage: PointStage) {
    this.#layout = layout
    this.#stage = stage
  }

  /**
   * The point's line, or '' when nothing is left of it. `without`: readings left out. In a late point the quality is
   * written even when it is good: another may be stored.
   */
  encode(batch: ReadingBatch, point: number, without: { readonly size: number; has(index: number): boolean }): string {
    const { seriesIds, values, quality } = batch
    const { placeOf, places, valueKeys, qualityKeys } = this.#layout
    const { items, starts } = this.#stage
    const from = starts[point] ?? 0
    const to = starts[point + 1] ?? 0
    const isLate = point >= this.#stage.late
    if (this.#last.length < placeOf.length) this.#last = new Int32Array(placeOf.length)
    const last = this.#last
    for (let item = from; item < to; item++) last[seriesIds[items[item] ?? 0] ?? 0] = item

    let fields = ''
    let i = 0
    for (let item = from; item < to; item++) {
      const index = items[item] ?? 0
      const seriesId = seriesIds[index] ?? 0
      if (last[seriesId] !== item || (without.size > 0 && without.has(index))) continue
      i = index
      const value = values[index] ?? 0
      fields += `${valueKeys[seriesId]}${value === 0 && 1 / value < 0 ? '-0' : value},`
      const q = quality[index] ?? 0
      if (q !== 0 || isLate) fields += `${qualityKeys[seriesId]}${q}i,`
    }
    if (fields === '') return ''
    const head = places[placeOf[seriesIds[i] ?? 0] ?? 0]?.head ?? ''
    const deviceTimeMs = batch.deviceTimesMs[i] ?? Number.NaN
    if (!Number.isNaN(deviceTimeMs)) fields += `${deviceTimeField}=${Math.floor(deviceTimeMs)}i,`
    return `${head}${fields}${receivedField}=${Math.floor(batch.receivedMs[i] ?? 0)}i ${Math.floor(batch.timesMs[i] ?? 0)}\n`
  }
}
