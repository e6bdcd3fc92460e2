import { AppError, type ReadingBatch, type SeriesId } from '../../../model/index.ts'
import type { SeriesCatalog, SeriesInfo } from '../reading-store.ts'
import { widenRolledSql } from './rolled-tables.ts'
import type { Session } from './session.ts'
import {
  createTableSql,
  maxMetricColumns,
  quoteName,
  quoteText,
  type ReadingTable,
  type Slot,
  SlotMap,
} from './tables.ts'
import { inTransaction } from './transaction.ts'

/** Which series lies in which table and column; the table `layout` remembers it. */
export interface Layout {
  readonly tables: readonly ReadingTable[]
  readonly slots: SlotMap
  /** Of the series placed since the start; 0: none was. */
  readonly highestDevice: number
  readonly highestSeries: SeriesId
  /** Undefined: the series is unknown, or nothing of it has ever been stored. */
  slotOf(seriesId: SeriesId): Slot | undefined
  /** Gives every series of the batch its slot, adding tables and columns in a transaction per profile. */
  place(batch: ReadingBatch, session: Session): Promise<void>
}

/** A metric's column in the wide table of a profile. */
interface Placed {
  readonly tableIndex: number
  readonly column: number
}

const narrowTable: ReadingTable = { index: 0, name: 'narrow', keyName: 'series', columns: ['value'] }

export const layoutSchemaSql: readonly string[] = [
  createTableSql(narrowTable),
  'CREATE TABLE layout (profile_id VARCHAR, table_number INTEGER, column_number INTEGER, metric VARCHAR)',
  ...widenRolledSql(narrowTable, 0),
]

export async function loadLayout(session: Session, catalog: SeriesCatalog): Promise<Layout> {
  const tables: ReadingTable[] = [narrowTable]
  const wide = new Map<string, ReadingTable>()
  const placed = new Map<string, Placed>()
  const slots = new SlotMap()
  let highestDevice = 0
  let highestSeries = 0

  function remember(profileId: string, table: ReadingTable, metrics: readonly string[]): void {
    tables[table.index] = table
    wide.set(profileId, table)
    for (const [i, metric] of metrics.entries()) {
      const column = table.columns.length - metrics.length + i
      placed.set(placeKey(profileId, metric), { tableIndex: table.index, column })
    }
  }

  const sql = 'SELECT profile_id, table_number::VARCHAR, metric FROM layout ORDER BY table_number, column_number'
  for (const [profileId = '', number = '', metric = ''] of await session.texts(sql)) {
    const index = Number(number)
    const before = tables[index]?.columns ?? []
    remember(profileId, wideTable(index, [...before, columnName(before.length, metric)]), [metric])
  }

  function find(series: SeriesInfo): Slot | undefined {
    const place = series.known ? placed.get(placeKey(series.profileId, series.metric)) : undefined
    const table = place === undefined ? undefined : tables[place.tableIndex]
    if (place !== undefined && table !== undefined) return { table, key: series.deviceNumber, column: place.column }
    const full = (wide.get(series.profileId)?.columns.length ?? 0) >= maxMetricColumns
    return !series.known || full ? { table: narrowTable, key: series.seriesId, column: 0 } : undefined
  }

  /** The series of the batch that the tables have no column for yet, after placing all the others. */
  function unplaced(batch: ReadingBatch): SeriesInfo[] {
    const homeless: SeriesInfo[] = []
    for (let i = 0; i < batch.length; i++) {
      const seriesId = batch.seriesIds[i] ?? 0
      if (slots.has(seriesId)) continue
      const series = catalog.get(seriesId)
      if (series === undefined)
        throw new AppError('invalid_input', `store reading of series ${seriesId} failed: no such series`)
      const slot = find(series)
      if (slot === undefined) homeless.push(series)
      else {
        slots.set(seriesId, slot)
        highestDevice = Math.max(highestDevice, series.deviceNumber)
        highestSeries = Math.max(highestSeries, seriesId)
      }
    }
    return homeless
  }

  /** Adds columns for the metrics of one profile, as far as there is room. */
  async function widen(profileId: string, wanted: readonly string[], session: Session): Promise<void> {
    const before = wide.get(profileId)
    const index = before?.index ?? tables.length
    const first = before?.columns.length ?? 0
    const metrics = wanted.slice(0, maxMetricColumns - first)
    const added = metrics.map((metric, i) => columnName(first + i, metric))
    const table = wideTable(index, [...(before?.columns ?? []), ...added])
    const rows = metrics.map((metric, i) => `(${quoteText(profileId)}, ${index}, ${first + i}, ${quoteText(metric)})`)
    await inTransaction(session, async () => {
      if (before === undefined) await session.run(createTableSql(table))
      else for (const column of added) await session.run(`ALTER TABLE ${table.name} ADD COLUMN ${column} DOUBLE`)
      await session.run(`INSERT INTO layout VALUES ${rows.join(', ')}`)
      for (const sql of widenRolledSql(table, first)) await session.run(sql)
    })
    remember(profileId, table, metrics)
  }

  return {
    tables,
    slots,
    get highestDevice() {
      return highestDevice
    },
    get highestSeries() {
      return highestSeries
    },
    slotOf: (seriesId) => {
      const table = tables[slots.tables[seriesId] ?? -1]
      if (table !== undefined) return { table, key: slots.keys[seriesId] ?? 0, column: slots.columns[seriesId] ?? 0 }
      const series = catalog.get(seriesId)
      return series === undefined ? undefined : find(series)
    },
    place: async (batch, session) => {
      const homeless = unplaced(batch)
      if (homeless.length === 0) return
      for (const [profileId, metrics] of metricsByProfile(homeless)) await widen(profileId, [...metrics], session)
      unplaced(batch)
    },
  }
}

function metricsByProfile(series: readonly SeriesInfo[]): Map<string, Set<string>> {
  const byProfile = new Map<string, Set<string>>()
  for (const { profileId, metric } of series) {
    const metrics = byProfile.get(profileId) ?? new Set()
    byProfile.set(profileId, metrics.add(metric))
  }
  return byProfile
}

function wideTable(index: number, columns: readonly string[]): ReadingTable {
  return { index, name: `wide_${index}`, keyName: 'device', columns }
}

/** The number keeps apart what differs in case only, and what is named like a column of ours. */
function columnName(column: number, metric: string): string {
  return quoteName(`v${column}_${metric}`)
}

function placeKey(profileId: string, metric: string): string {
  return `${profileId}\0${metric}`
}
