import { expect, test } from 'vitest'
import { createExports } from '../../api/exports.ts'

const limits = { mostOfPrincipal: 1, mostInAll: 2, unreadMs: 60_000, lookAgainMs: 10_000 }
const principal = { kind: 'key', id: 'k', role: 'viewer', sites: 'all' } as const

test('an export ends when its caller may not see it any more, and that is looked at now and then only', async () => {
  const clock = { nowMs: 0, now: () => clock.nowMs }
  const exports = createExports(limits, clock)
  let looks = 0
  let isAllowed = true
  const stillAllowed = async () => {
    looks++
    return isAllowed
  }
  async function* chunks() {
    for (let i = 0; ; i++) yield `${i}`
  }
  const running = exports.begin({ principal, stillAllowed }, chunks)[Symbol.asyncIterator]()
  expect((await running.next()).value).toBe('0')
  clock.nowMs = 9_999
  isAllowed = false
  expect((await running.next()).value).toBe('1')
  expect(looks).toBe(0)
  clock.nowMs = 10_000
  isAllowed = true
  expect((await running.next()).value).toBe('2')
  expect((await running.next()).value).toBe('3')
  expect(looks).toBe(1)
  clock.nowMs = 20_000
  isAllowed = false
  await expect(running.next()).rejects.toMatchObject({ code: 'forbidden' })
  // Its place is free.
  isAllowed = true
  const next = exports.begin({ principal, stillAllowed }, chunks)[Symbol.asyncIterator]()
  expect((await next.next()).value).toBe('0')
  await next.return?.()
})
