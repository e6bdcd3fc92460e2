import type { ReadingBatch } from '../../../model/index.ts'
import { StagedTable } from './staged-table.ts'
import type { ReadingTable, SlotMap } from './tables.ts'

/** Sorts a batch's readings into rows, table by table. */
export interface Stager {
  readonly tables: readonly StagedTable[]
  /** A table is new, or has more columns now. Only between batches. */
  setTable(table: ReadingTable): StagedTable
  /** Every series of the batch has its slot. What was staged before is gone. */
  stage(batch: ReadingBatch): void
}

export function createStager(slots: SlotMap): Stager {
  const tables: StagedTable[] = []

  function stage(batch: ReadingBatch): void {
    for (const table of tables) table.beginBatch()
    const { length, seriesIds, timesMs, values, quality, receivedMs, deviceTimesMs } = batch
    let tableIndex = -1
    let key = -1
    let timeMs = Number.NaN
    let seenMs = Number.NaN
    let staged: StagedTable | undefined
    let row = 0
    for (let i = 0; i < length; i++) {
      const series = seriesIds[i] ?? 0
      const time = Math.floor(timesMs[i] ?? 0)
      const received = receivedMs[i] ?? 0
      const samePlace = slots.tables[series] === tableIndex && slots.keys[series] === key
      if (!samePlace || time !== timeMs || received !== seenMs) {
        tableIndex = slots.tables[series] ?? -1
        key = slots.keys[series] ?? 0
        timeMs = time
        seenMs = received
        staged = tables[tableIndex]
        if (staged === undefined) throw new RangeError(`series ${series} has no table`)
        row = staged.row(key, time, received, deviceTimesMs[i] ?? Number.NaN)
      }
      if (staged === undefined) continue
      const column = slots.columns[series] ?? 0
      if (row >= 0) staged.inOrder.set(row, column, values[i] ?? 0, quality[i] ?? 0)
      else staged.late.set(~row, column, values[i] ?? 0, quality[i] ?? 0)
    }
  }

  return {
    tables,
    stage,
    setTable: (table) => {
      const known = tables[table.index]
      if (known !== undefined) {
        known.widen(table)
        return known
      }
      const staged = new StagedTable(table)
      tables[table.index] = staged
      return staged
    },
  }
}
