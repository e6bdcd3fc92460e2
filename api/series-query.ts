import { z } from '@hono/zod-openapi'
import { type DeviceId, type MetricName, qualityNames } from '../model/index.ts'
import { deviceIdField, metricField, timeField, timeInput } from './fields.ts'
import { numberOrNull } from './read-buckets.ts'

import {
  type BucketFunction,
  bucketFunctions,
  bucketInput,
  checkFunctions,
  checkZoom,
  functionsInput,
  maxPointsInput,
} from './reading-query.ts'
import { createTimeFormat } from './time.ts'
import { checkRange } from './time-range.ts'
import type { SeriesRead } from './window-reader.ts'

export interface NamedSeries {
  readonly deviceId: DeviceId
  readonly metric: MetricName
}

const maxSeries = 50

const seriesInput = z
  .string()
  .max(maxSeries * 130)
  .transform((text, context): readonly NamedSeries[] => {
    const refuse = (message: string): never => {
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    }
    const names = text.split(',')
    if (names.length > maxSeries) return refuse(`must be ${maxSeries} at most`)
    if (new Set(names).size < names.length) return refuse('must name each series once')
    const series: NamedSeries[] = []
    for (const name of names) {
      const [device, metric, ...rest] = name.split('/')
      const deviceId = deviceIdField.safeParse(device)
      const metricName = metricField.safeParse(metric)
      if (!deviceId.success || !metricName.success || rest.length > 0)
        return refuse(`must be like meter-1/voltage,meter-2/power; "${name.slice(0, 80)}" is not`)
      series.push({ deviceId: deviceId.data, metric: metricName.data })
    }
    return series
  })
  .openapi({
    description: `Device and metric of each, by commas; up to ${maxSeries}`,
    example: 'meter-1/voltage,meter-2/power',
  })

export const seriesQuery = z
  .strictObject({
    series: seriesInput,
    from: timeInput.openapi({ description: 'Begin of the range, included' }),
    to: timeInput.optional().openapi({ description: 'End of the range, excluded; now by default' }),
    bucket: bucketInput.optional().openapi({
      description:
        'Sums up by buckets of that length, whole ones, as with `maxPoints`; those without readings are left out',
    }),
    maxPoints: maxPointsInput.optional(),
    fn: functionsInput.optional(),
  })
  .check(checkRange)
  .check(checkZoom)
  .check(checkFunctions)

export const seriesReadingsSchema = z
  .strictObject({
    device: z.string(),
    metric: z.string(),
    unit: z.string().nullable().openapi({ description: 'UCUM; null for a metric that the profile does not know' }),
    bucket: z.string().nullable().openapi({
      description: 'How long the buckets are: 15m, 1h …; null: these are the readings as they came',
      example: '15m',
    }),
    times: z.array(timeField).openapi({ description: 'Ascending: of each reading, or where each bucket begins' }),
    values: z.partialRecord(z.enum(bucketFunctions), z.array(z.number().nullable())).openapi({
      description:
        'As many as `times`, of each function that was asked for; of readings as they came each is the value itself, and `count` 1. ' +
        'Null: a sum beyond what a number can be',
    }),
    quality: z
      .array(z.enum(qualityNames))
      .optional()
      .openapi({ description: 'Of each, where these are the readings as they came' }),
  })
  .openapi('SeriesReadings')

export type SeriesReadings = z.input<typeof seriesReadingsSchema>

/** The columns of an answer. */
export function toColumns(
  read: SeriesRead,
  functions: readonly BucketFunction[],
): Pick<SeriesReadings, 'bucket' | 'times' | 'values' | 'quality'> {
  const each = (column: (name: BucketFunction) => (number | null)[]) =>
    Object.fromEntries(functions.map((name) => [name, column(name)]))
  const format = createTimeFormat()
  switch (read.kind) {
    case 'none':
      return { bucket: read.bucket, times: [], values: each(() => []) }
    case 'raw': {
      const { timesMs, values, quality } = read.columns
      return {
        bucket: null,
        times: Array.from(timesMs, format),
        values: each((name) => (name === 'count' ? Array.from(timesMs, () => 1) : Array.from(values, numberOrNull))),
        quality: Array.from(quality, (code) => qualityNames[code] ?? 'good'),
      }
    }
    case 'buckets': {
      const { columns, edgesMs, bucket } = read
      const filled = [...columns.count.keys()].filter((i) => (columns.count[i] ?? 0) > 0)
      return {
        bucket,
        times: filled.map((i) => format(edgesMs[i] ?? 0)),
        values: each((name) => filled.map((i) => numberOrNull(columns[name][i]))),
      }
    }
    default:
      return read satisfies never
  }
}
