import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createBucketChunks } from '../../api/bucket-chunks.ts'
import { bucketEdges, bucketEnd, bucketStart } from '../../api/bucket-edges.ts'
import { formatBucketSize, parseBucketSize } from '../../api/bucket-size.ts'
import { bucketWindow } from '../../api/bucket-window.ts'
import { zoom } from '../../api/zoom.ts'

const chunks = createBucketChunks()
const hourMs = 3_600_000
const zones = ['UTC', 'Asia/Jakarta', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Pacific/Apia']
const zone = fc.constantFrom(...zones)
const time = fc.integer({ min: 0, max: Date.parse('2035-01-01') })

describe('a zoom', () => {
  test.each([
    [hourMs, 600, '10s'],
    [24 * hourMs, 600, '5m'],
    [24 * hourMs, 1_440, '2m'],
    [30 * 24 * hourMs, 600, '2h'],
    [366 * 24 * hourMs, 400, '1d'],
    [20 * 366 * 24 * hourMs, 400, '1mo'],
    [20 * 366 * 24 * hourMs, 2, '50y'],
    [1, 2, '1s'],
  ])('of %d ms into %d points has buckets of %s', (lengthMs, maxPoints, size) => {
    const fromMs = Date.parse('2001-01-01T00:00:00Z')
    const found = zoom(chunks, 'Asia/Jakarta', { fromMs, toMs: fromMs + lengthMs }, maxPoints)
    expect(found && formatBucketSize(found.size)).toBe(size)
  })

  test('has at most as many buckets as asked for, which hold the whole range and hardly more', () => {
    fc.assert(
      fc.property(zone, time, time, fc.integer({ min: 2, max: 10_000 }), (timeZone, a, b, maxPoints) => {
        const [fromMs, toMs] = a < b ? [a, b] : [b, a + 1]
        const found = zoom(chunks, timeZone, { fromMs, toMs }, maxPoints)
        const edgesMs = found?.window.edgesMs ?? new Float64Array(0)
        expect(edgesMs.length).toBeGreaterThan(1)
        expect(edgesMs.length - 1).toBeLessThanOrEqual(maxPoints)
        expect(edgesMs[0]).toBeLessThanOrEqual(fromMs)
        expect(edgesMs[1]).toBeGreaterThan(fromMs)
        expect(edgesMs.at(-1)).toBeGreaterThanOrEqual(toMs)
        expect(edgesMs.at(-2)).toBeLessThan(toMs)
      }),
      { numRuns: 60 },
    )
  })

  test('keeps the length of its buckets while the range moves', () => {
    const sizes = Array.from({ length: 500 }, (_, i) => {
      const fromMs = Date.parse('2026-05-01') + i * 777_777
      const found = zoom(chunks, 'Asia/Jakarta', { fromMs, toMs: fromMs + 24 * hourMs }, 288)
      return found && formatBucketSize(found.size)
    })
    expect(new Set(sizes)).toEqual(new Set(['10m']))
  })
})

describe('whole buckets', () => {
  const sizes = [
    '1s',
    '7s',
    '10s',
    '30s',
    '1m',
    '7m',
    '15m',
    '20m',
    '1h',
    '2h',
    '5h',
    '12h',
    '1d',
    '3d',
    '1w',
    '2w',
    '1mo',
    '5mo',
    '1y',
  ]

  test('are those of the calendar, cut nowhere, also where the clock changes', () => {
    fc.assert(
      fc.property(
        zone,
        time,
        fc.constantFrom(...sizes),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (timeZone, fromMs, text, part) => {
          const size = parseBucketSize(text)
          if (size === undefined) throw new Error(text)
          const lengths: Record<string, number> = { second: hourMs / 2, minute: 24 * hourMs, hour: 600 * hourMs }
          const toMs = fromMs + 1 + Math.floor(part * (lengths[size.unit] ?? 5_000 * hourMs))
          const window = bucketWindow(chunks, size, timeZone, { fromMs, toMs }, 10_000)
          const whole = { fromMs: bucketStart(size, timeZone, fromMs), toMs: bucketEnd(size, timeZone, toMs - 1) }
          expect(window?.edgesMs).toEqual(bucketEdges(size, timeZone, whole, 10_002))
        },
      ),
      { numRuns: 300 },
    )
  })

  test('are refused where they are too many', () => {
    const window = (size: string, toMs: number) =>
      bucketWindow(chunks, parseBucketSize(size) ?? { count: 1, unit: 'day' }, 'UTC', { fromMs: 0, toMs }, 10_000)
    expect(window('1s', 10_000_000)?.edgesMs).toHaveLength(10_001)
    expect(window('1s', 10_000_001)).toBeUndefined()
    expect(window('7s', 8.64e12)).toBeUndefined()
  })
})
