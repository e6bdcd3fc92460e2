import type { ReadingBatch } from '../../../model/index.ts'
import { NewestTimes } from '../newest-times.ts'
import type { Layout } from './layout.ts'

/** So many ms to either side of 1970 is what InfluxDB's times hold: from 1677 to 2262. */
const farthestMs = 9_223_372_036_854

/** Readings of one batch that belong to one point. */
interface Run {
  readonly place: number
  readonly timeMs: number
  readonly first: number
  readonly end: number
}

/**
 * Sorts a batch's readings into points: each (place, time) once. Point p holds the readings `items[starts[p]]` up to
 * `items[starts[p + 1]]`, in the order in which they came. Points before `late` are newer than all that is known of their
 * place; of the others something may be stored already.
 */
export class PointStage {
  items: Int32Array = new Int32Array(8_192)
  starts: Int32Array = new Int32Array(2_048)
  length = 0
  late = 0
  /** Indices of readings whose time InfluxDB cannot hold. */
  outOfTime: number[] = []
  /** By place. A place that nothing is known of is taken for one with everything stored. */
  readonly newest = new NewestTimes()
  readonly #layout: Layout

  constructor(layout: Layout) {
    this.#layout = layout
  }

  stage(batch: ReadingBatch): void {
    const { length, seriesIds, timesMs } = batch
    const { placeOf } = this.#layout
    const lateRuns: Run[] = []
    this.length = this.late = 0
    this.outOfTime = []
    this.newest.beginBatch()
    this.#reserve(length)
    let used = 0
    for (let first = 0; first < length; ) {
      const place = placeOf[seriesIds[first] ?? 0] ?? 0
      const timeMs = Math.floor(timesMs[first] ?? 0)
      let end = first + 1
      while (end < length && placeOf[seriesIds[end] ?? 0] === place && Math.floor(timesMs[end] ?? 0) === timeMs) end++
      const newestMs = this.newest.newestMs(place)
      if (Math.abs(timeMs) > farthestMs) for (let i = first; i < end; i++) this.outOfTime.push(i)
      else if (timeMs > newestMs && newestMs !== Number.NEGATIVE_INFINITY) {
        used = this.#begin(used, first, end)
        this.newest.stage(place, timeMs, 0)
      } else {
        lateRuns.push({ place, timeMs, first, end })
        if (timeMs > newestMs) this.newest.stage(place, timeMs, 0)
      }
      first = end
    }
    this.late = this.length
    this.#addLate(lateRuns, used)
  }

  /** All that is staged is stored. */
  committed({ seriesIds, timesMs }: ReadingBatch): void {
    for (let point = 0; point < this.length; point++) {
      const i = this.items[this.starts[point] ?? 0] ?? 0
      this.newest.store(this.#layout.placeOf[seriesIds[i] ?? 0] ?? 0, Math.floor(timesMs[i] ?? 0))
    }
  }

  /** Points of the same place and time become one. */
  #addLate(runs: Run[], from: number): void {
    let used = from
    runs.sort((a, b) => a.place - b.place || a.timeMs - b.timeMs || a.first - b.first)
    let before: Run | undefined
    for (const run of runs) {
      if (before?.place === run.place && before.timeMs === run.timeMs) used = this.#append(used, run.first, run.end)
      else used = this.#begin(used, run.first, run.end)
      before = run
    }
    this.starts[this.length] = used
  }

  #begin(used: number, first: number, end: number): number {
    this.starts[this.length++] = used
    return this.#append(used, first, end)
  }

  #append(used: number, first: number, end: number): number {
    for (let i = first; i < end; i++) this.items[used + i - first] = i
    return used + end - first
  }

  /** There are never more points than readings. */
  #reserve(readings: number): void {
    if (this.items.length < readings) this.items = new Int32Array(readings * 2)
    if (this.starts.length < readings + 1) this.starts = new Int32Array(readings * 2 + 1)
  }
}
