import { type ReadingBatch, ReadingBatchBuilder, type SeriesId } from '../../../model/index.ts'
import type { LogPosition } from '../../log/index.ts'
import type { SeriesCatalog } from '../reading-store.ts'
import type { RolledView } from './bucket-answers.ts'
import { takeStoredRows } from './late-rows.ts'
import { type Layout, loadLayout } from './layout.ts'
import type { Removed } from './removal.ts'
import { type ChangedDays, loadRolled, noProgress, RolledTable, saveChanged } from './rolled-state.ts'
import { rolledName, rolledWidths, widenRolledSql } from './rolled-tables.ts'
import { type Ledger, readLedger, writeLedger, writeLogId, writeRawFrom } from './schema.ts'
import type { Session } from './session.ts'
import type { StagedTable } from './staged-table.ts'
import { createStager } from './stager.ts'
import { createTableWriter, type TableWriter } from './table-writer.ts'
import type { Slot } from './tables.ts'
import { inTransaction } from './transaction.ts'

/** The one who changes the store. Its calls must not overlap. */
export interface Writer extends RolledView {
  readonly layout: Layout
  /** As of the last commit. */
  readonly ledger: Ledger
  /** By the tables' indices. */
  readonly rolled: readonly RolledTable[]
  /** As `StoreMarks` has it, of when the file was opened: by device, where a table's rows are of devices. */
  emptyFromMs(seriesId: SeriesId): number
  write(batch: ReadingBatch, position: LogPosition): Promise<void>
  /** Where the series is, or from now on will be. */
  place(seriesId: SeriesId): Promise<Slot>
  /** Removals: one transaction of `work`, which tells how the counts change, and before when there are none but in rollups. */
  change(work: (session: Session) => Promise<Removed>): Promise<void>
}

export interface WriterDeps {
  readonly catalog: SeriesCatalog
  readonly logId: string
}

export async function openWriter(session: Session, { catalog, logId }: WriterDeps): Promise<Writer> {
  let ledger = await readLedger(session)
  let moment = 0
  const layout = await loadLayout(session, catalog)
  const stager = createStager(layout.slots)
  const writers: (TableWriter | undefined)[] = []
  const rolled: RolledTable[] = []
  const { rawFromMs: rawFromThenMs } = ledger
  const newestThenMs: Float64Array[] = []

  const widths = await rolledWidths(session)
  for (const table of layout.tables) {
    const { newest } = stager.setTable(table)
    const sql = `SELECT ${table.keyName}::DOUBLE, max(time_ms)::DOUBLE FROM ${table.name} GROUP BY 1`
    const [keys, timesMs] = await session.select(sql, [])
    for (const [i, key] of (keys ?? []).entries()) newest.store(key, timesMs?.[i] ?? Number.NaN)
    newestThenMs[table.index] = newest.stored()
    const width = widths.get(rolledName(table)) ?? 0
    if (width < table.columns.length)
      await inTransaction(session, async () => {
        for (const statement of widenRolledSql(table, width)) await session.run(statement)
      })
    rolled[table.index] = await loadRolled(session, table)
  }

  async function writerOf({ table }: StagedTable): Promise<TableWriter> {
    const known = writers[table.index]
    if (known !== undefined) return known
    const made = await createTableWriter(session.connection, { name: table.name, columns: table.columns.length })
    writers[table.index] = made
    return made
  }

  function discardWriters(): void {
    for (const writer of writers.splice(0)) writer?.discard()
  }

  /** Tables may be new or wider, also since an attempt that failed. */
  function followLayout(): void {
    for (const table of layout.tables) {
      if (stager.tables[table.index]?.table === table) continue
      stager.setTable(table)
      rolled[table.index] = rolled[table.index]?.widened(table) ?? new RolledTable(table, noProgress)
      writers[table.index]?.discard()
      writers[table.index] = undefined
    }
  }

  /** Until then, what is known here of rollups may be older than what a query sees. */
  async function unsettled<T>(work: () => Promise<T>): Promise<T> {
    moment++
    try {
      return await work()
    } finally {
      moment++
    }
  }

  /** Which rollups are no longer right with the staged rows. */
  function changedBy(staged: StagedTable): ChangedDays {
    return rolled[staged.table.index]?.changedBy(staged, ledger.rawFromMs) ?? { keys: [], days: [] }
  }

  /** Returns what the table has more of. */
  async function storeTable(staged: StagedTable): Promise<Pick<Ledger, 'readings' | 'rows' | 'lateRows'>> {
    const { inOrder, late } = staged
    const writer = await writerOf(staged)
    const readings = inOrder.valueCount + late.valueCount
    const rows = inOrder.rows + late.rows
    // First the rows in order: a late row may belong to one of them.
    if (inOrder.rows > 0) writer.append(inOrder)
    const replaced = await takeStoredRows(session, staged)
    if (late.rows > 0) writer.append(late)
    return { readings: readings - replaced.values, rows: rows - replaced.rows, lateRows: late.rows }
  }

  return {
    layout,
    rolled,
    get ledger() {
      return ledger
    },
    get moment() {
      return moment
    },
    rolledOf: ({ table, key }) => ({ spans: rolled[table.index]?.spansOf(key) ?? [], rawFromMs: ledger.rawFromMs }),
    emptyFromMs: (seriesId) => {
      const slot = layout.slotOf(seriesId)
      const newestMs = slot === undefined ? undefined : newestThenMs[slot.table.index]?.[slot.key]
      return Math.max(rawFromThenMs, (newestMs ?? Number.NEGATIVE_INFINITY) + 1)
    },
    place: async (seriesId) => {
      const batch = new ReadingBatchBuilder(1)
      batch.push(seriesId, 0, 0, 0, 0, Number.NaN)
      await layout.place(batch, session)
      followLayout()
      const slot = layout.slotOf(seriesId)
      if (slot === undefined) throw new RangeError(`series ${seriesId} has no place`)
      return slot
    },
    write: async (batch, position) => {
      await layout.place(batch, session)
      followLayout()
      stager.stage(batch)
      const touched = stager.tables
        .filter(({ inOrder, late }) => inOrder.rows + late.rows > 0)
        .map((staged) => ({ staged, changed: changedBy(staged) }))
      let next: Ledger = {
        ...ledger,
        position,
        logId,
        highestDevice: Math.max(ledger.highestDevice, layout.highestDevice),
        highestSeries: Math.max(ledger.highestSeries, layout.highestSeries),
      }
      const store = async () => {
        await inTransaction(session, async () => {
          for (const { staged, changed } of touched) {
            if (changed.keys.length > 0) await saveChanged(session, staged.table, changed)
            const added = await storeTable(staged)
            next = {
              ...next,
              readings: next.readings + added.readings,
              rows: next.rows + added.rows,
              lateRows: next.lateRows + added.lateRows,
            }
          }
          await writeLedger(session, next)
          if (ledger.logId !== logId) await writeLogId(session, logId)
        })
        ledger = next
        for (const { staged, changed } of touched) rolled[staged.table.index]?.add(changed)
      }
      try {
        await (touched.some(({ changed }) => changed.keys.length > 0) ? unsettled(store) : store())
      } catch (error) {
        discardWriters()
        throw error
      }
      for (const { staged } of touched) staged.committed()
    },
    change: async (work) => {
      let next = ledger
      await unsettled(async () => {
        await inTransaction(session, async () => {
          const { readings, rows, rawFromMs } = await work(session)
          next = { ...ledger, readings: ledger.readings + readings, rows: ledger.rows + rows, rawFromMs }
          await writeLedger(session, next)
          await writeRawFrom(session, rawFromMs)
        })
        ledger = next
      })
    },
  }
}
