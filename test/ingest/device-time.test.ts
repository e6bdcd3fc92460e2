import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDeviceTime } from '../../ingest/device-time.ts'

describe('the time that a device writes', () => {
  test('as RFC 3339 is the moment that it names, in every offset', () => {
    const date = fc.date({ min: new Date('1970-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })
    const offset = fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 })
    fc.assert(
      fc.property(date, offset, (moment, offsetMinutes) => {
        const local = new Date(moment.getTime() + offsetMinutes * 60_000).toISOString().slice(0, -1)
        const minutes = Math.abs(offsetMinutes)
        const two = (n: number) => String(n).padStart(2, '0')
        const zone = `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
        expect(parseDeviceTime(`${local}${zone}`)).toBe(moment.getTime())
      }),
    )
  })

  test.each([
    ['2026-11-23t12:00:00z', 1_795_435_200_000],
    ['2026-11-23T12:00:00.123456789Z', 1_795_435_200_123],
    ['2024-02-29T00:00:00Z', 1_709_164_800_000],
    ['2016-12-31T23:59:60Z', 1_483_228_800_000],
    [1_795_435_200, 1_795_435_200_000],
    [1_795_435_200.5, 1_795_435_200_500],
    [1_795_435_200_000, 1_795_435_200_000],
    [99_999_999_999, 99_999_999_999_000],
    [100_000_000_000, 100_000_000_000],
    [0, 0],
  ])('%s is %d', (text, expected) => {
    expect(parseDeviceTime(text)).toBe(expected)
  })

  test.each([
    '2026-11-23',
    '2026-11-23 12:00:00Z',
    '2026-11-23T12:00:00',
    '2026-02-30T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-11-23T24:00:00Z',
    '2026-11-23T12:60:00Z',
    '2026-11-23T12:00:00+24:00',
    '1795435200000',
    '',
    null,
    true,
    {},
    Number.POSITIVE_INFINITY,
  ])('%s is none', (text) => {
    expect(parseDeviceTime(text)).toBeUndefined()
  })
})
