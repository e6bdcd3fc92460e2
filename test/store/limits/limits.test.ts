import { describe, expect, test } from 'vitest'
import { createBoundedKeys } from '../../../store/limits/bounded-keys.ts'
import { createLimits } from '../../../store/limits/index.ts'
import { waitUntil } from '../../setup/wait.ts'

describe('limits', () => {
  test('count each key for itself, and tell what is left', async () => {
    const limits = createLimits({ key: { limit: 2, windowS: 60 } }, { redis: undefined })
    const taken = [await limits.take('key', 'a'), await limits.take('key', 'a'), await limits.take('key', 'a')]
    expect(taken.map((one) => one && [one.allowed, one.limit, one.remaining])).toEqual([
      [true, 2, 1],
      [true, 2, 0],
      [false, 2, 0],
    ])
    for (const one of taken) {
      expect(one?.resetMs).toBeGreaterThan(0)
      expect(one?.resetMs).toBeLessThanOrEqual(60_000)
    }
    expect(await limits.take('key', 'b')).toMatchObject({ allowed: true, remaining: 1 })
  })

  test('count each kind for itself', async () => {
    const rule = { limit: 1, windowS: 60 }
    const limits = createLimits({ one: rule, two: rule }, { redis: undefined })
    expect(await limits.take('one', 'a')).toMatchObject({ allowed: true })
    expect(await limits.take('two', 'a')).toMatchObject({ allowed: true })
    expect(await limits.take('one', 'a')).toMatchObject({ allowed: false })
  })

  test('begin anew when the window is over', async () => {
    const limits = createLimits({ key: { limit: 1, windowS: 1 } }, { redis: undefined })
    await limits.take('key', 'a')
    expect(await limits.take('key', 'a')).toMatchObject({ allowed: false })
    await waitUntil('the next window', async () => (await limits.take('key', 'a'))?.allowed)
  })

  test('of 0 are none', async () => {
    const limits = createLimits({ key: { limit: 0, windowS: 60 } }, { redis: undefined })
    for (let i = 0; i < 10; i++) expect(await limits.take('key', 'a')).toBeUndefined()
  })
})

describe('the keys that are counted apart', () => {
  test('are bounded: those that come when there are too many share a few counters, and are told of', () => {
    let crowded = 0
    const counterOf = createBoundedKeys({ maxKeys: 100, windowMs: 60_000, onCrowded: () => crowded++ })
    const early = Array.from({ length: 100 }, (_, i) => `early-${i}`)
    expect(early.map(counterOf)).toEqual(early)
    const late = new Set(Array.from({ length: 50_000 }, (_, i) => counterOf(`late-${i}`)))
    expect(late.size).toBeLessThanOrEqual(256)
    expect(crowded).toBe(50_000)
    expect(early.map(counterOf)).toEqual(early)
    expect(counterOf('late-7')).toBe(counterOf('late-7'))
  })

  test('make room when their window is over', async () => {
    const counterOf = createBoundedKeys({ maxKeys: 1, windowMs: 30 })
    expect(counterOf('a')).toBe('a')
    await waitUntil('room', () => counterOf('b') === 'b')
  })
})
