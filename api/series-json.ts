import { qualityNames } from '../model/index.ts'
import { createLastingTexts } from './lasting-texts.ts'
import { bucketReading, numberOrNull } from './read-buckets.ts'
import { rawReading } from './read-raw.ts'
import type { BucketFunction } from './reading-query.ts'
import { createTimeFormat } from './time.ts'
import type { SeriesRead } from './window-reader.ts'

/** A series as `SeriesReadings` names it. */
export interface SeriesName {
  readonly device: string
  readonly metric: string
  readonly unit: string | null
}

/** Writes what was read as JSON, and what lasts of it once. */
export interface SeriesJson {
  /** `SeriesReadings` */
  columns(name: SeriesName, read: SeriesRead, functions: readonly BucketFunction[]): string
  /** A `Page` of `Reading`s or of `Bucket`s with how long these are; there is no other. */
  page(read: SeriesRead, functions: readonly BucketFunction[]): string
}

export function createSeriesJson(): SeriesJson {
  const texts = createLastingTexts()
  const format = createTimeFormat()

  function rawColumns(
    { columns, lasting }: Extract<SeriesRead, { kind: 'raw' }>,
    functions: readonly BucketFunction[],
  ) {
    const { timesMs, values, quality } = columns
    const listOf = (what: string, write: (i: number) => string) =>
      `[${texts.list(lasting, what, { length: timesMs.length, write })}]`
    const ofFunctions = functions.map((name): [string, string] => [
      name,
      name === 'count' ? listOf('one', () => '1') : listOf('value', (i) => numberText(values[i])),
    ])
    const times = listOf('time', (i) => `"${format(timesMs[i] ?? 0)}"`)
    const qualities = listOf('quality', (i) => `"${qualityNames[quality[i] ?? 0] ?? 'good'}"`)
    return `"bucket":null,"times":${times},"values":${fields(ofFunctions)},"quality":${qualities}`
  }

  function bucketColumns(
    { bucket, columns, edgesMs, lasting }: Extract<SeriesRead, { kind: 'buckets' }>,
    functions: readonly BucketFunction[],
  ) {
    // Those without readings are left out.
    const listOf = (what: string, write: (i: number) => string) => {
      const { length } = columns.count
      const list = texts.list(lasting, what, { length, write: (i) => (columns.count[i] === 0 ? '' : write(i)) })
      return `[${list}]`
    }
    const ofFunctions = functions.map((name): [string, string] => [
      name,
      listOf(name, (i) => numberText(columns[name][i])),
    ])
    const times = listOf('time', (i) => `"${format(edgesMs[i] ?? 0)}"`)
    return `"bucket":"${bucket}","times":${times},"values":${fields(ofFunctions)}`
  }

  function columnsOf(read: SeriesRead, functions: readonly BucketFunction[]): string {
    switch (read.kind) {
      case 'none': {
        const values = fields(functions.map((name) => [name, '[]']))
        return `"bucket":${JSON.stringify(read.bucket)},"times":[],"values":${values}`
      }
      case 'raw':
        return rawColumns(read, functions)
      case 'buckets':
        return bucketColumns(read, functions)
      default:
        return read satisfies never
    }
  }

  function pageOf(read: SeriesRead, functions: readonly BucketFunction[]): string {
    switch (read.kind) {
      case 'none':
        return `"bucket":${JSON.stringify(read.bucket)},"items":[]`
      case 'raw': {
        const { columns, lasting } = read
        const write = (i: number) => JSON.stringify(rawReading(format, columns, i))
        const items = texts.list(lasting, 'reading', { length: columns.timesMs.length, write })
        return `"bucket":null,"items":[${items}]`
      }
      case 'buckets': {
        const { bucket, columns, edgesMs, lasting } = read
        const write = (i: number) => {
          if (columns.count[i] === 0) return ''
          const edges = [edgesMs[i] ?? 0, edgesMs[i + 1] ?? 0] as const
          return JSON.stringify(bucketReading(format, columns, i, edges, functions))
        }
        const what = `bucket ${functions.join()}`
        const items = texts.list(lasting, what, { length: columns.count.length, write })
        return `"bucket":"${bucket}","items":[${items}]`
      }
      default:
        return read satisfies never
    }
  }

  return {
    columns({ device, metric, unit }, read, functions) {
      const name = JSON.stringify({ device, metric, unit })
      return `${name.slice(0, -1)},${columnsOf(read, functions)}}`
    },
    page: (read, functions) => `{${pageOf(read, functions)},"nextCursor":null}`,
  }
}

function numberText(value: number | undefined): string {
  return String(numberOrNull(value))
}

function fields(named: readonly (readonly [name: string, text: string])[]): string {
  return `{${named.map(([name, text]) => `"${name}":${text}`).join()}}`
}
