import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { decodeCursor, encodeCursor } from '../../api/cursor.ts'
import { HttpProblem } from '../../api/problem.ts'
import { formatTime, parseTime } from '../../api/time.ts'

describe('a cursor', () => {
  const place = z.strictObject({ timeMs: z.int(), id: z.string() })
  const filters = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.constant(undefined)))

  test('gives back the place that it was made of, for the same filter in any order', () => {
    fc.assert(
      fc.property(filters, fc.maxSafeInteger(), fc.string(), (filter, timeMs, id) => {
        const text = encodeCursor(filter, { timeMs, id })
        expect(text).toMatch(/^[\w-]+$/)
        const shuffled = Object.fromEntries(Object.entries(filter).reverse())
        expect(decodeCursor(text, shuffled, place)).toEqual({ timeMs, id })
      }),
    )
  })

  test('of any other filter, or any other text, is refused by its name', () => {
    const text = encodeCursor({ device: 'a' }, { timeMs: 1, id: 'x' })
    expect(() => decodeCursor(text, { device: 'b' }, place)).toThrow('belongs to another query')
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => decodeCursor(text, {}, place)).toThrow(HttpProblem)
      }),
    )
  })
})

describe('a time', () => {
  test.each([
    ['2026-11-23T10:00:00Z', 1_795_428_000_000],
    ['2026-11-23T10:00:00.123Z', 1_795_428_000_123],
    ['2026-11-23T17:00:00+07:00', 1_795_428_000_000],
    ['2026-11-23T17:00:00 07:00', 1_795_428_000_000],
    ['2026-11-23t10:00:00z', 1_795_428_000_000],
    ['1795428000000', 1_795_428_000_000],
    ['1795428000', 1_795_428_000_000],
    ['99999999999', 99_999_999_999_000],
    ['100000000000', 100_000_000_000],
    ['0', 0],
  ])('%s is understood', (text, timeMs) => expect(parseTime(text)).toBe(timeMs))

  test.each([
    '',
    ' ',
    'now',
    '2026-11-23',
    '2026-13-01T00:00:00Z',
    '1969-12-31T23:59:59Z',
    '-1',
    '1.5',
    '1e3',
    '0x1',
    '99999999999999999',
  ])('%j is none', (text) => expect(parseTime(text)).toBeUndefined())

  test('is the same after it was written and read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8_640_000_000_000 }), (timeMs) => {
        expect(parseTime(formatTime(timeMs))).toBe(timeMs)
        // Below it is a number of seconds.
        if (timeMs >= 1e11) expect(parseTime(String(timeMs))).toBe(timeMs)
      }),
    )
  })
})
