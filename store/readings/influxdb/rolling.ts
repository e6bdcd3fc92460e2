import { slotMs } from '../rollups/index.ts'
import type { Connection } from './connection.ts'
import { RefusedRequest } from './errors.ts'
import type { Place } from './layout.ts'
import {
  deviceNumberTag,
  deviceTag,
  isRolledMeasurement,
  isValueField,
  lineKeyCarried,
  lineMeasurementCarried,
  quoteCarried,
  quoteCarriedText,
  quoteName,
  type RollupLevel,
  receivedField,
  rolledField,
  rolledMeasurement,
  rolledParts,
} from './names.ts'
import { numberIn, type ResultTable } from './query.ts'

/** A measurement of readings; names as InfluxDB tells them. */
export interface Source {
  readonly measurement: string
  /** Of metrics. */
  readonly fields: readonly string[]
}

export interface Step {
  readonly fromMs: number
  readonly toMs: number
}

/** Columns of one question: a device of hundreds of metrics is asked for in several. */
const fieldsAtOnce = 20

/** What there is to be rolled up: every point of ours has a received time. */
export async function readSources(connection: Connection): Promise<readonly Source[]> {
  const sources: Source[] = []
  for await (const { name = '', rows } of connection.query('SHOW FIELD KEYS')) {
    if (isRolledMeasurement(name) || !rows.some(([field]) => field === receivedField)) continue
    const numbers = rows.filter(([, type]) => type === 'float' || type === 'integer')
    const fields = [...new Set(numbers.map(([field]) => String(field)))].filter(isValueField)
    if (fields.length > 0) sources.push({ measurement: name, fields })
  }
  return sources
}

/** The time of the first reading at or after `fromMs`; NaN: there is none. */
export async function firstTime(connection: Connection, sources: readonly Source[], fromMs: number): Promise<number> {
  let firstMs = Number.NaN
  const since = Number.isFinite(fromMs) ? ` WHERE time >= ${fromMs}ms` : ''
  const statements = sources.map(
    ({ measurement }) => `SELECT FIRST(${quoteName(receivedField)}) FROM ${quoteCarried(measurement)}${since}`,
  )
  if (statements.length === 0) return firstMs
  for await (const { rows } of connection.query(...statements)) {
    const timeMs = numberIn(rows[0], 0)
    firstMs = Number.isNaN(firstMs) ? timeMs : Math.min(firstMs, timeMs)
  }
  return firstMs
}

/** A device in a source, or all of them. */
export interface Whose {
  readonly device: string
  readonly number: string
}

export interface Rolling {
  readonly lines: string
  /** Devices of which a sum is more than a number can be: no rollup can say that. */
  readonly beyond: readonly Whose[]
}

/** The lines of a source's rollups, made from its readings. */
export async function rollUpSource(
  connection: Connection,
  source: Source,
  step: Step,
  whose?: Whose,
): Promise<Rolling> {
  try {
    return { lines: await linesOf(connection, source, step, whose), beyond: [] }
  } catch (error) {
    if (!(error instanceof RefusedRequest) || !error.message.includes('unsupported value')) throw error
    if (whose !== undefined) return { lines: '', beyond: [whose] }
    // One by one, so that one device with absurd values does not hold up the others.
    let lines = ''
    const beyond: Whose[] = []
    for (const one of await devicesOf(connection, source, step)) {
      const rolling = await rollUpSource(connection, source, step, one)
      lines += rolling.lines
      beyond.push(...rolling.beyond)
    }
    return { lines, beyond }
  }
}

async function devicesOf(connection: Connection, { measurement }: Source, step: Step): Promise<readonly Whose[]> {
  const devices: Whose[] = []
  const sql = `SELECT COUNT(${quoteName(receivedField)}) FROM ${quoteCarried(measurement)} WHERE ${timeIn(step)} GROUP BY ${tags}`
  for await (const { tags: of } of connection.query(sql))
    devices.push({ device: of[deviceTag] ?? '', number: of[deviceNumberTag] ?? '' })
  return devices
}

const tags = `${quoteName(deviceTag)}, ${quoteName(deviceNumberTag)}`
const functions = ['COUNT', 'SUM', 'MIN', 'MAX', 'FIRST', 'LAST'] as const

async function linesOf(connection: Connection, { measurement, fields }: Source, step: Step, whose?: Whose) {
  const lines: string[] = []
  const where = whose === undefined ? '' : `${quoteName(deviceTag)} = ${quoteCarriedText(whose.device)} AND `
  for (let first = 0; first < fields.length; first += fieldsAtOnce) {
    const some = fields.slice(first, first + fieldsAtOnce)
    const columns = some.flatMap((field) => functions.map((name) => `${name}(${quoteCarried(field)})`))
    const sql = `SELECT ${columns.join(', ')} FROM ${quoteCarried(measurement)} WHERE ${where}${timeIn(step)}
      GROUP BY time(${slotMs}ms), ${tags} fill(none)`
    const keys = keysOf(some)
    for await (const table of connection.query(sql)) {
      if (whose !== undefined && (table.tags[deviceNumberTag] ?? '') !== whose.number) continue
      addLines(table, lineMeasurementCarried(rolledMeasurement(measurement, '15m')), keys, lines)
    }
  }
  return lines.join('')
}

function addLines({ tags: of, rows }: ResultTable, measurement: string, keys: readonly string[][], into: string[]) {
  const head = headOf(measurement, of)
  for (const row of rows) {
    const parts = keys.map((_, i) => {
      const values = row.slice(1 + i * functions.length, 1 + (i + 1) * functions.length).map(asNumber)
      // Columns are not of one moment: of what is being written some may see nothing yet. It is noted, and comes again.
      return values.some(Number.isNaN) ? [] : values
    })
    addLine(head, keys, { timeMs: numberIn(row, 0), parts }, into)
  }
}

/** A slot's or an hour's: per field count, sum, lowest, highest, first and last. */
export interface Rollup {
  readonly timeMs: number
  readonly parts: readonly (readonly number[])[]
}

function headOf(measurement: string, of: Readonly<Record<string, string>>): string {
  const number = of[deviceNumberTag] ?? ''
  const numberPart = number === '' ? '' : `,${deviceNumberTag}=${number}`
  return `${measurement},${deviceTag}=${lineKeyCarried(of[deviceTag] ?? '')}${numberPart} `
}

function addLine(head: string, keys: readonly string[][], { timeMs, parts }: Rollup, into: string[]): void {
  let fields = ''
  for (const [i, values] of parts.entries()) {
    if (!((values[0] ?? 0) > 0)) continue
    for (const [j, value] of values.entries())
      fields += `${keys[i]?.[j]}=${j === 0 ? `${value}i` : Object.is(value, -0) ? '-0' : value},`
  }
  if (fields !== '') into.push(`${head}${fields.slice(0, -1)} ${timeMs}\n`)
}

/** A line of its own; `field` as InfluxDB tells it. */
export function rollupLine(
  { measurement, device, number }: Pick<Place, 'measurement' | 'device' | 'number'>,
  field: string,
  level: RollupLevel,
  rollup: Rollup,
): string {
  const lines: string[] = []
  const tagsOf = { [deviceTag]: device, [deviceNumberTag]: number }
  const head = headOf(lineMeasurementCarried(rolledMeasurement(measurement, level)), tagsOf)
  addLine(head, keysOf([field]), rollup, lines)
  return lines.join('')
}

function keysOf(fields: readonly string[]): readonly string[][] {
  return fields.map((field) => rolledParts.map((part) => lineKeyCarried(rolledField(field, part))))
}

function asNumber(cell: unknown): number {
  return typeof cell === 'number' ? cell : Number.NaN
}

/** The lines of a source's hours, made from its slots, `from` which they are read; `step` is of whole hours. */
export async function rollUpHours(
  connection: Connection,
  { measurement, fields, from }: Source & { readonly from: string },
  step: Step,
  whose?: Whose,
): Promise<Rolling> {
  const lines: string[] = []
  const beyond: Whose[] = []
  for (let first = 0; first < fields.length; first += fieldsAtOnce) {
    const some = fields.slice(first, first + fieldsAtOnce)
    const columns = some.flatMap((field) => rolledParts.map((part) => quoteCarried(rolledField(field, part))))
    const where = whose === undefined ? '' : `${quoteName(deviceTag)} = ${quoteCarriedText(whose.device)} AND `
    const sql = `SELECT ${columns.join(', ')} FROM ${from} WHERE ${where}${timeIn(step)} GROUP BY ${tags}`
    const keys = keysOf(some)
    for await (const { tags: of, rows } of connection.query(sql)) {
      const device = { device: of[deviceTag] ?? '', number: of[deviceNumberTag] ?? '' }
      if (whose !== undefined && device.number !== whose.number) continue
      const head = headOf(lineMeasurementCarried(rolledMeasurement(measurement, '1h')), of)
      for (const hour of hoursOf(rows, some.length)) {
        if (hour.parts.every(([, sum]) => sum === undefined || Number.isNaN(sum) || Number.isFinite(sum)))
          addLine(head, keys, hour, lines)
        else beyond.push(device)
      }
    }
  }
  return { lines: lines.join(''), beyond }
}

const hourMs = 3_600_000

/** Ascending slots become hours. */
export function hoursOf(rows: readonly (readonly unknown[])[], fields: number): readonly Rollup[] {
  const hours = new Map<number, number[][]>()
  for (const row of rows) {
    const timeMs = Math.floor(numberIn(row, 0) / hourMs) * hourMs
    const parts = hours.get(timeMs) ?? Array.from({ length: fields }, (): number[] => [])
    hours.set(timeMs, parts)
    for (let i = 0; i < fields; i++) {
      const [count = 0, sum = 0, min = 0, max = 0, first = 0, last = 0] = row.slice(1 + i * 6, 7 + i * 6).map(asNumber)
      if (!(count > 0)) continue
      const [before = 0, sumBefore = 0, minBefore = min, maxBefore = max, firstBefore = first] = parts[i] ?? []
      parts[i] = [
        before + count,
        sumBefore + sum,
        Math.min(minBefore, min),
        Math.max(maxBefore, max),
        firstBefore,
        last,
      ]
    }
  }
  return [...hours].map(([timeMs, parts]) => ({ timeMs, parts }))
}

function timeIn({ fromMs, toMs }: Step): string {
  return `time >= ${fromMs}ms AND time < ${toMs}ms`
}
