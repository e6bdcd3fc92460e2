import fc from 'fast-check'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createNightly, nextNightMs } from '../../app/nightly.ts'

const dayMs = 86_400_000
const noon = Date.parse('2026-11-23T12:00:00Z')

beforeEach(() => {
  vi.useFakeTimers({ now: noon })
})
afterEach(() => {
  vi.useRealTimers()
})

test('the next night is within a day, later than now, at its hour', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: 0, max: 23 }), (now, hour) => {
      const next = nextNightMs(now, hour)
      expect(next).toBeGreaterThan(now)
      expect(next - now).toBeLessThanOrEqual(dayMs)
      expect(new Date(next).getUTCHours()).toBe(hour)
    }),
  )
})

test('each night whole days beyond the retention go and the closed day is sorted, also after a night that failed', async () => {
  const done: string[] = []
  const iso = (ms: number) => new Date(ms).toISOString()
  const nightly = createNightly(
    { retentionDays: 90, rollupRetentionDays: 100, hourUtc: 19 },
    {
      readings: {
        expire: async (beforeMs, rollupsMs = 0) => void done.push(`expire ${iso(beforeMs)} ${iso(rollupsMs)}`),
        compact: async (dayStartMs) => {
          done.push(`compact ${iso(dayStartMs)}`)
          if (done.length === 3) throw new Error('disk is full')
          return 1
        },
      },
      trimAlerts: async () => done.push('trim alerts'),
      trimAnswers: async () => done.push('trim answers'),
      clock: { now: () => Date.now() },
      logger: pino({ level: 'silent' }),
    },
  )
  nightly.start()
  await vi.advanceTimersByTimeAsync(2 * dayMs)
  await nightly.stop()
  await vi.advanceTimersByTimeAsync(2 * dayMs)
  expect(done).toEqual([
    'trim alerts',
    'trim answers',
    'expire 2026-08-25T00:00:00.000Z 2026-08-15T00:00:00.000Z',
    'compact 2026-11-22T00:00:00.000Z',
    'trim alerts',
    'trim answers',
    'expire 2026-08-26T00:00:00.000Z 2026-08-16T00:00:00.000Z',
    'compact 2026-11-23T00:00:00.000Z',
  ])
})
