import { z } from '@hono/zod-openapi'
import { type BucketSize, bucketPattern, parseBucketSize } from './bucket-size.ts'
import { metricField, timeInput } from './fields.ts'
import { pageQuery } from './paging.ts'
import { checkRange } from './time-range.ts'

export const bucketFunctions = ['avg', 'min', 'max', 'sum', 'count', 'first', 'last'] as const
export type BucketFunction = (typeof bucketFunctions)[number]

const bucketInput = z
  .string()
  .transform((text, context): BucketSize => {
    const size = parseBucketSize(text)
    if (size !== undefined) return size
    context.addIssue({ code: 'custom', message: 'must be like 15m, 1h, 1d, 1w, 1mo or 1y; up to 24h, 366d, 52w' })
    return z.NEVER
  })
  .openapi({ pattern: bucketPattern.source, example: '1h' })

export const readingQuery = z
  .strictObject({
    ...pageQuery,
    metric: metricField,
    from: timeInput.optional().openapi({
      description:
        'Begin of the range, included; RFC 3339, or ms or seconds since 1970. By default everything that is kept, and ' +
        'with `bucket` as many buckets before `to` as a page holds',
    }),
    to: timeInput.optional().openapi({
      description:
        'End of the range, excluded; RFC 3339, or ms or seconds since 1970. By default five minutes from now (a clock ' +
        'may be ahead by that much), and with `bucket` the end of the bucket of now',
    }),
    bucket: bucketInput.optional().openapi({
      description:
        "Sums up the readings of each 15m, 1h, 1d, 1w, 1mo, 1y, … of the site's local calendar. A bucket that the " +
        'range cuts is cut; one without readings is left out',
    }),
    fn: z.enum(bucketFunctions).optional().openapi({ description: 'What `value` of a bucket is; `avg` by default' }),
  })
  .check(checkRange)
  .check(({ value, issues }) => {
    if (value.fn !== undefined && value.bucket === undefined)
      issues.push({ code: 'custom', path: ['fn'], message: 'needs bucket', input: value })
  })

export type ReadingQuery = z.output<typeof readingQuery>
