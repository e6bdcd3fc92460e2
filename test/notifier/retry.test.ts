import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createProviderHealth } from '../../notifier/provider-health.ts'
import { backoffMs, nextAttemptMs, type RetryPolicy } from '../../notifier/retry.ts'

const policies = fc
  .record({
    firstRetryMs: fc.integer({ min: 1, max: 60_000 }),
    longestRetryMs: fc.integer({ min: 1, max: 3_600_000 }),
    giveUpAfterMs: fc.integer({ min: 0, max: 7 * 86_400_000 }),
  })
  .map((policy): RetryPolicy => ({ ...policy, longestRetryMs: Math.max(policy.firstRetryMs, policy.longestRetryMs) }))
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('the waits between attempts', () => {
  test('lie between half and all of a doubling that ends at the longest', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 10_000 }), chance, (policy, attempts, random) => {
        const wait = backoffMs(policy, attempts, () => random)
        const whole = Math.min(policy.firstRetryMs * 2 ** (attempts - 1), policy.longestRetryMs)
        expect(wait).toBeGreaterThanOrEqual(Math.floor(whole / 2))
        expect(wait).toBeLessThanOrEqual(Math.ceil(whole))
        expect(wait).toBeGreaterThan(0)
      }),
    )
  })

  test('never shrink with the attempts, chance apart', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 100 }), chance, (policy, attempts, random) => {
        const now = backoffMs(policy, attempts, () => random)
        expect(backoffMs(policy, attempts + 1, () => random)).toBeGreaterThanOrEqual(now)
      }),
    )
  })

  test('end: there is a last attempt, within the time after which a mail is given up', () => {
    const policy = { firstRetryMs: 1_000, longestRetryMs: 300_000, giveUpAfterMs: 86_400_000 }
    fc.assert(
      fc.property(chance, (random) => {
        let nowMs = 0
        let attempts = 1
        for (;;) {
          const nextMs = nextAttemptMs(policy, { createdMs: 0, attempts, nowMs }, () => random)
          if (nextMs === undefined) break
          expect(nextMs).toBeGreaterThan(nowMs)
          expect(nextMs).toBeLessThanOrEqual(policy.giveUpAfterMs)
          nowMs = nextMs
          attempts++
        }
        // About a day of five minutes each, or of half that by chance.
        expect(attempts).toBeGreaterThan(280)
        expect(attempts).toBeLessThan(600)
      }),
    )
  })
})

describe('a provider that fails', () => {
  const policy = { firstRetryMs: 1_000, longestRetryMs: 8_000, giveUpAfterMs: 0 }
  const always = () => 0.999_999

  test('lets nobody set out in the pause, one after it, and all when that one went through', () => {
    const health = createProviderHealth(policy, always)
    expect(health.room(0, 0, 8)).toBe(8)
    health.failed(health.mark(), 0)
    expect(health.room(999, 0, 8)).toBe(0)
    expect(health.room(1_000, 0, 8)).toBe(1)
    expect(health.room(1_000, 1, 8)).toBe(0)
    health.up()
    expect(health.room(1_000, 1, 8)).toBe(7)
  })

  test('doubles its pause with each failure, but not for those that set out together', () => {
    const health = createProviderHealth(policy, always)
    const together = health.mark()
    for (let n = 0; n < 5; n++) health.failed(together, 0)
    expect(health.room(1_000, 0, 8)).toBe(1)
    health.failed(health.mark(), 1_000)
    expect(health.room(2_999, 0, 8)).toBe(0)
    expect(health.room(3_000, 0, 8)).toBe(1)
  })
})
