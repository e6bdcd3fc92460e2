import { NewestTimes } from '../newest-times.ts'
import { RowStage } from './row-stage.ts'
import type { ReadingTable } from './tables.ts'

/** One table's part of a batch: what is only appended, and what must be merged with what is stored. */
export class StagedTable {
  table: ReadingTable
  /** Rows newer than everything the table has of their key. */
  readonly inOrder: RowStage
  /** All others, each (key, time) once. */
  readonly late: RowStage
  readonly newest = new NewestTimes()
  readonly #lateRows = new Map<number, Map<number, number>>()

  constructor(table: ReadingTable) {
    this.table = table
    this.inOrder = new RowStage(table.columns.length)
    this.late = new RowStage(table.columns.length)
  }

  /** Only between batches. */
  widen(table: ReadingTable): void {
    this.table = table
    this.inOrder.widen(table.columns.length)
    this.late.widen(table.columns.length)
  }

  beginBatch(): void {
    this.newest.beginBatch()
    this.inOrder.clear()
    this.late.clear()
    this.#lateRows.clear()
  }

  /** The row for (key, time), begun when it is not there: an index into `inOrder`, or into `late` as its complement. */
  row(key: number, timeMs: number, receivedMs: number, deviceTimeMs: number): number {
    const newestMs = this.newest.newestMs(key)
    if (timeMs > newestMs) {
      const row = this.inOrder.start(key, timeMs, receivedMs, deviceTimeMs)
      this.newest.stage(key, timeMs, row)
      return row
    }
    if (timeMs === newestMs) {
      // Devices that send one scalar per topic: the metrics of one moment arrive as several messages.
      const row = this.newest.newestRow(key)
      if (row >= 0) {
        this.inOrder.stamp(row, receivedMs, deviceTimeMs)
        return row
      }
    }
    return ~this.#lateRow(key, timeMs, receivedMs, deviceTimeMs)
  }

  /** Index into `late`, or -1. */
  findLate(key: number, timeMs: number): number {
    return this.#lateRows.get(key)?.get(timeMs) ?? -1
  }

  /** The rows in order are stored now. */
  committed(): void {
    const { keys, timesMs, rows } = this.inOrder
    for (let row = 0; row < rows; row++) this.newest.store(keys[row] ?? 0, timesMs[row] ?? 0)
  }

  #lateRow(key: number, timeMs: number, receivedMs: number, deviceTimeMs: number): number {
    let rows = this.#lateRows.get(key)
    if (rows === undefined) {
      rows = new Map()
      this.#lateRows.set(key, rows)
    }
    const known = rows.get(timeMs)
    if (known !== undefined) {
      this.late.stamp(known, receivedMs, deviceTimeMs)
      return known
    }
    const row = this.late.start(key, timeMs, receivedMs, deviceTimeMs)
    rows.set(timeMs, row)
    return row
  }
}
