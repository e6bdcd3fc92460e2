import { afterEach, expect, test, vi } from 'vitest'
import { createSingleFlight } from '../../../store/cache/index.ts'

afterEach(() => {
  vi.useRealTimers()
})

test('who asks for the same at once shares one load; who asks afterwards loads anew', async () => {
  const once = createSingleFlight<number>()
  let loads = 0
  const load = async () => ++loads
  expect(await Promise.all(Array.from({ length: 50 }, () => once('a', load)))).toEqual(Array(50).fill(1))
  expect(await once('a', load)).toBe(2)
})

test('who asks for something else has a load of its own', async () => {
  const once = createSingleFlight<string>()
  const asked = ['a', 'b', 'a', 'c'].map((key, i) => once(key, async () => `${key}${i}`))
  expect(await Promise.all(asked)).toEqual(['a0', 'b1', 'a0', 'c3'])
})

test('what a load fails with is told to all who share it, and to nobody else', async () => {
  const once = createSingleFlight<number>()
  const fail = () => {
    throw new Error('the store is down')
  }
  const asked = await Promise.allSettled([once('a', fail), once('a', async () => 1)])
  expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await once('a', async () => 2)).toBe(2)
})

test('a load that hangs holds up nobody who comes some seconds later', async () => {
  vi.useFakeTimers()
  const once = createSingleFlight<number>()
  const { promise: first, resolve } = Promise.withResolvers<number>()
  const hanging = once('a', () => first)
  vi.advanceTimersByTime(1_000)
  const joined = once('a', async () => 2)
  vi.advanceTimersByTime(1_500)
  const { promise: second, resolve: resolveSecond } = Promise.withResolvers<number>()
  const later = once('a', () => second)
  resolve(1)
  expect(await Promise.all([hanging, joined])).toEqual([1, 1])
  // The first one's end is not the second one's.
  const alsoLater = once('a', async () => 4)
  resolveSecond(3)
  expect(await Promise.all([later, alsoLater])).toEqual([3, 3])
})
