import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTimeFormat, formatTime } from '../../api/time.ts'

test('many times are written as each is alone', () => {
  const whole = fc.integer({ min: 0, max: 253_402_300_799_999 })
  const near = fc.tuple(whole, fc.array(fc.integer({ min: -200_000_000, max: 200_000_000 }), { maxLength: 20 }))
  fc.assert(
    fc.property(near, ([startMs, steps]) => {
      const times = [startMs, ...steps.map((step) => Math.min(Math.max(0, startMs + step), 253_402_300_799_999))]
      const format = createTimeFormat()
      expect(times.map(format)).toEqual(times.map(formatTime))
    }),
  )
})
