import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bucketEdges, bucketEnd, bucketStart } from '../../api/bucket-edges.ts'
import { nominalMs, parseBucketSize } from '../../api/bucket-size.ts'

function size(text: string) {
  const parsed = parseBucketSize(text)
  if (parsed === undefined) throw new Error(`no bucket ${text}`)
  return parsed
}

const ms = (text: string) => Date.parse(text)
const iso = (timeMs: number) => new Date(timeMs).toISOString().replace(':00.000Z', 'Z')

function edges(bucket: string, zone: string, from: string, to: string): string[] {
  return Array.from(bucketEdges(size(bucket), zone, { fromMs: ms(from), toMs: ms(to) }, 10_001), iso)
}

/** How many hours each bucket has. */
function hours(bucket: string, zone: string, from: string, to: string): number[] {
  const times = bucketEdges(size(bucket), zone, { fromMs: ms(from), toMs: ms(to) }, 10_001)
  return Array.from(times.subarray(1), (edge, i) => (edge - (times[i] ?? 0)) / 3_600_000)
}

describe('a bucket size', () => {
  test.each([
    ['15m', { count: 15, unit: 'minute' }],
    ['1mo', { count: 1, unit: 'month' }],
    ['24h', { count: 24, unit: 'hour' }],
    ['1y', { count: 1, unit: 'year' }],
  ])('%s is understood', (text, parsed) => expect(parseBucketSize(text)).toEqual(parsed))

  test.each(['', '1', 'm', '0m', '1.5h', '-1h', '25h', '1M', '1 h', '1hh', '1toString'])('%j is none', (text) =>
    expect(parseBucketSize(text)).toBeUndefined(),
  )
})

describe('buckets of an hour and less', () => {
  test('begin where the wall clock shows a multiple', () => {
    expect(edges('15m', 'UTC', '2026-03-01T10:00Z', '2026-03-01T11:00Z')).toEqual([
      '2026-03-01T10:00Z',
      '2026-03-01T10:15Z',
      '2026-03-01T10:30Z',
      '2026-03-01T10:45Z',
      '2026-03-01T11:00Z',
    ])
    // Nepal is 5:45 ahead: its full hours are at :15 of UTC.
    expect(edges('1h', 'Asia/Kathmandu', '2026-03-01T10:15Z', '2026-03-01T12:15Z')).toEqual([
      '2026-03-01T10:15Z',
      '2026-03-01T11:15Z',
      '2026-03-01T12:15Z',
    ])
  })

  test('are cut by the range at both ends', () => {
    expect(edges('1h', 'UTC', '2026-03-01T10:20Z', '2026-03-01T12:40Z')).toEqual([
      '2026-03-01T10:20Z',
      '2026-03-01T11:00Z',
      '2026-03-01T12:00Z',
      '2026-03-01T12:40Z',
    ])
  })

  test('start anew at midnight when they do not divide the day', () => {
    expect(edges('7h', 'UTC', '2026-03-01T00:00Z', '2026-03-02T07:00Z')).toEqual([
      '2026-03-01T00:00Z',
      '2026-03-01T07:00Z',
      '2026-03-01T14:00Z',
      '2026-03-01T21:00Z',
      '2026-03-02T00:00Z',
      '2026-03-02T07:00Z',
    ])
  })
})

describe('where the clock changes', () => {
  const berlin = 'Europe/Berlin'

  test('a day has 23 or 25 hours', () => {
    expect(hours('1d', berlin, '2026-03-27T23:00Z', '2026-03-30T22:00Z')).toEqual([24, 23, 24])
    expect(hours('1d', berlin, '2026-10-23T22:00Z', '2026-10-26T23:00Z')).toEqual([24, 25, 24])
  })

  test('an hour that is left out has no bucket, one that comes twice has two', () => {
    expect(hours('1h', berlin, '2026-03-28T23:00Z', '2026-03-29T22:00Z')).toEqual(Array(23).fill(1))
    expect(hours('1h', berlin, '2026-10-24T22:00Z', '2026-10-25T23:00Z')).toEqual(Array(25).fill(1))
  })

  test('buckets of six hours keep to the wall clock', () => {
    expect(hours('6h', berlin, '2026-03-28T23:00Z', '2026-03-29T22:00Z')).toEqual([5, 6, 6, 6])
    expect(hours('6h', berlin, '2026-10-24T22:00Z', '2026-10-25T23:00Z')).toEqual([7, 6, 6, 6])
  })

  test('by half an hour, hours keep to the wall clock', () => {
    // Lord Howe Island, 5 April 2026: 02:00 becomes 01:30.
    expect(hours('1h', 'Australia/Lord_Howe', '2026-04-04T13:00Z', '2026-04-04T17:30Z')).toEqual([1, 1.5, 1, 1])
  })

  test('at midnight, the day begins when it begins', () => {
    // Beirut, 29 March 2026: 00:00 becomes 01:00.
    expect(hours('1d', 'Asia/Beirut', '2026-03-27T22:00Z', '2026-03-29T21:00Z')).toEqual([24, 23])
    expect(hours('1h', 'Asia/Beirut', '2026-03-28T20:00Z', '2026-03-29T00:00Z')).toEqual([1, 1, 1, 1])
  })
})

describe('buckets of a day and longer', () => {
  test('weeks begin on Monday', () => {
    expect(edges('1w', 'UTC', '2026-11-23T00:00Z', '2026-12-07T00:00Z')).toEqual([
      '2026-11-23T00:00Z',
      '2026-11-30T00:00Z',
      '2026-12-07T00:00Z',
    ])
  })

  test('months and years are those of the calendar', () => {
    expect(edges('1mo', 'Asia/Jakarta', '2026-01-31T17:00Z', '2026-04-30T17:00Z')).toEqual([
      '2026-01-31T17:00Z',
      '2026-02-28T17:00Z',
      '2026-03-31T17:00Z',
      '2026-04-30T17:00Z',
    ])
    expect(edges('3mo', 'UTC', '2026-02-10T00:00Z', '2026-08-01T00:00Z')).toEqual([
      '2026-02-10T00:00Z',
      '2026-04-01T00:00Z',
      '2026-07-01T00:00Z',
      '2026-08-01T00:00Z',
    ])
    expect(edges('1y', 'UTC', '2025-06-01T00:00Z', '2026-06-01T00:00Z')).toEqual([
      '2025-06-01T00:00Z',
      '2026-01-01T00:00Z',
      '2026-06-01T00:00Z',
    ])
  })

  test('several days are counted from 1970, wherever the range begins', () => {
    const long = edges('3d', 'UTC', '2026-01-01T00:00Z', '2026-02-01T00:00Z')
    const short = edges('3d', 'UTC', '2026-01-11T00:00Z', '2026-02-01T00:00Z')
    expect(long).toEqual(expect.arrayContaining(short.slice(1)))
  })
})

describe('any buckets', () => {
  const zones = ['UTC', 'Asia/Jakarta', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Beirut']
  const sizes = ['30s', '5m', '15m', '7m', '1h', '6h', '24h', '1d', '3d', '1w', '2w', '1mo', '3mo', '1y']
  const any = fc.record({
    bucket: fc.constantFrom(...sizes),
    zone: fc.constantFrom(...zones),
    fromMs: fc.integer({ min: 0, max: 2_000_000_000_000 }),
    lengthMs: fc.integer({ min: 1, max: 400 * 86_400_000 }),
  })

  test('cover the range without gap or overlap, and no bucket is much longer than its name', () => {
    fc.assert(
      fc.property(any, ({ bucket, zone, fromMs, lengthMs }) => {
        const toMs = fromMs + lengthMs
        const times = bucketEdges(size(bucket), zone, { fromMs, toMs }, 500)
        expect(times[0]).toBe(fromMs)
        if (times.length < 500) expect(times.at(-1)).toBe(toMs)
        const lengthsMs = times.subarray(1).map((edge, i) => edge - (times[i] ?? 0))
        expect(Math.min(...lengthsMs)).toBeGreaterThan(0)
        expect(Math.max(...lengthsMs)).toBeLessThanOrEqual(nominalMs(size(bucket)) * 1.04 + 3_600_000)
      }),
      { numRuns: 300 },
    )
  })

  test('begin and end where their neighbours do', () => {
    fc.assert(
      fc.property(any, ({ bucket, zone, fromMs }) => {
        const endMs = bucketEnd(size(bucket), zone, fromMs)
        const startMs = bucketStart(size(bucket), zone, fromMs)
        expect(startMs).toBeLessThanOrEqual(fromMs)
        expect(endMs).toBeGreaterThan(fromMs)
        expect(bucketStart(size(bucket), zone, endMs)).toBe(endMs)
        expect(bucketStart(size(bucket), zone, endMs - 1)).toBe(startMs)
        expect(bucketEnd(size(bucket), zone, startMs)).toBe(endMs)
      }),
      { numRuns: 300 },
    )
  })

  test('are the same however the range is cut into pages', () => {
    fc.assert(
      fc.property(any, fc.integer({ min: 2, max: 40 }), ({ bucket, zone, fromMs, lengthMs }, pageEdges) => {
        const toMs = fromMs + Math.min(lengthMs, nominalMs(size(bucket)) * 200)
        const whole = [...bucketEdges(size(bucket), zone, { fromMs, toMs }, 10_001)]
        const pages: number[] = [fromMs]
        for (let restMs = fromMs; restMs < toMs; restMs = pages.at(-1) ?? toMs)
          pages.push(...bucketEdges(size(bucket), zone, { fromMs: restMs, toMs }, pageEdges).subarray(1))
        expect(pages).toEqual(whole)
      }),
      { numRuns: 150 },
    )
  })
})
