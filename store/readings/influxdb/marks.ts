import type { LogPosition } from '../../log/index.ts'
import type { Connection } from './connection.ts'
import { lineMeasurement, quoteName } from './names.ts'
import { numberIn } from './query.ts'

/** A name that no profile can have. */
const measurement = 'pelbiot store'
/** A mark is written over for so long, then a new one begins: few points, and always one within any retention. */
const slotMs = 600_000

/** A point beside the readings that says whose they are and how far they go. */
export interface Mark {
  readonly timeMs: number
  readonly logId: string
  /** Made anew with each database that was found empty, so that one that was dropped and made again is recognised. */
  readonly storeId: string
  /** Everything up to here is stored. */
  readonly position: LogPosition
  readonly highestDevice: number
  readonly highestSeries: number
}

export function markTime(nowMs: number): number {
  return Math.floor(nowMs / slotMs) * slotMs
}

/** The newest two, the newest first. */
export async function readMarks(connection: Connection): Promise<readonly Mark[]> {
  const fields = ['log', 'store', 'position', 'highest_device', 'highest_series'].map(quoteName)
  const sql = `SELECT ${fields.join(', ')} FROM ${quoteName(measurement)} ORDER BY time DESC LIMIT 2`
  const marks: Mark[] = []
  for await (const { rows } of connection.query(sql))
    for (const row of rows) {
      const [, logId, storeId] = row
      marks.push({
        timeMs: numberIn(row, 0),
        logId: typeof logId === 'string' ? logId : '',
        storeId: typeof storeId === 'string' ? storeId : '',
        position: numberIn(row, 3),
        highestDevice: numberIn(row, 4),
        highestSeries: numberIn(row, 5),
      })
    }
  return marks
}

/**
 * The store's id is written once per point only, right after it was read: written with each mark it would be there again
 * in a database that was dropped and made anew in between.
 */
export function markLine(mark: Mark, { withStoreId }: { readonly withStoreId: boolean }): string {
  const { timeMs, logId, storeId, position, highestDevice, highestSeries } = mark
  const id = withStoreId ? `,store="${storeId}"` : ''
  const fields = `log="${logId}"${id},position=${position}i,highest_device=${highestDevice}i,highest_series=${highestSeries}i`
  return `${lineMeasurement(measurement)} ${fields} ${timeMs}`
}
