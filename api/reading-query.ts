import { z } from '@hono/zod-openapi'
import { type BucketSize, bucketPattern, parseBucketSize } from './bucket-size.ts'
import { integerInput, metricField, timeInput } from './fields.ts'
import { maxLimit, pageQuery } from './paging.ts'
import { checkRange } from './time-range.ts'

export const bucketFunctions = ['avg', 'min', 'max', 'sum', 'count', 'first', 'last'] as const
export type BucketFunction = (typeof bucketFunctions)[number]

export const bucketInput = z
  .string()
  .transform((text, context): BucketSize => {
    const size = parseBucketSize(text)
    if (size !== undefined) return size
    context.addIssue({ code: 'custom', message: 'must be like 15m, 1h, 1d, 1w, 1mo or 1y; up to 24h, 366d, 52w' })
    return z.NEVER
  })
  .openapi({ pattern: bucketPattern.source, example: '1h' })

function isFunction(text: string): text is BucketFunction {
  return bucketFunctions.some((name) => name === text)
}

export const functionsInput = z
  .string()
  .transform((text, context): readonly BucketFunction[] => {
    const names = text.split(',')
    const known = names.filter(isFunction)
    if (known.length === names.length && new Set(known).size === known.length) return known
    context.addIssue({ code: 'custom', message: `must be of ${bucketFunctions.join(', ')}, each once, with commas` })
    return z.NEVER
  })
  .openapi({
    description: 'What is made of the readings of a bucket, by commas where it is more than one; `avg` by default',
    pattern: `^(${bucketFunctions.join('|')})(,(${bucketFunctions.join('|')})){0,6}$`,
    example: 'avg,min,max',
  })

/** Fewer than two would not even be enough for a range that touches two centuries. */
export const maxPointsInput = integerInput(2, maxLimit).openapi({
  description:
    'As many buckets at most: the platform takes the shortest of 1s, 2s, 5s … 1d, 1w, 1mo … that do, whole ones, so that the ' +
    'first may begin before `from` and the last end after `to`; and readings as they came where they are no more. ' +
    '`bucket` of the answer says which',
  example: 600,
})

interface Checked {
  readonly value: Readonly<Partial<Record<'maxPoints' | 'bucket' | 'limit' | 'cursor' | 'from' | 'fn', unknown>>>
  readonly issues: { push(issue: { code: 'custom'; path: string[]; message: string; input: unknown }): unknown }
}

export function checkFunctions({ value, issues }: Checked): void {
  if (value.fn !== undefined && value.bucket === undefined && value.maxPoints === undefined)
    issues.push({ code: 'custom', path: ['fn'], message: 'needs bucket or maxPoints', input: value })
}

/** A zoom is one answer, and says itself how long its buckets are. */
export function checkZoom({ value, issues }: Checked): void {
  if (value.maxPoints === undefined) return
  const refuse = (field: string, message: string) =>
    issues.push({ code: 'custom', path: [field], message, input: value })
  if (value.bucket !== undefined) refuse('bucket', 'is not for maxPoints, which chooses it')
  if (value.limit !== undefined) refuse('limit', 'is not for maxPoints, whose answer is whole')
  if (value.cursor !== undefined) refuse('cursor', 'is not for maxPoints, whose answer is whole')
  if (value.from === undefined) refuse('from', 'is needed with maxPoints')
}

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
    maxPoints: maxPointsInput.optional(),
    fn: functionsInput.optional(),
  })
  .check(checkRange)
  .check(checkZoom)
  .check(checkFunctions)

export type ReadingQuery = z.output<typeof readingQuery>
