import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RefusedRequest } from '../../../store/readings/influxdb/errors.ts'
import { createReach, patienceMs } from '../../../store/readings/influxdb/reach.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const never = () => new Promise<never>(() => {})

function world() {
  const server = { isThere: true, pings: 0 }
  const reach = createReach({
    ping: async (timeoutMs) => {
      server.pings++
      if (server.isThere) return true
      await new Promise((resolve) => setTimeout(resolve, timeoutMs))
      return false
    },
    nowMs: () => Date.now(),
  })
  const outcome = (question: () => Promise<unknown>) => {
    const told: { is: unknown } = { is: 'waiting' }
    reach.ask(question).then(
      (answer) => Object.assign(told, { is: answer }),
      (error: Error) => Object.assign(told, { is: error.name }),
    )
    return told
  }
  return { server, reach, outcome }
}

test('a question may take as long as it takes while somebody is there', async () => {
  const { server, outcome } = world()
  const long = outcome(() => new Promise((resolve) => setTimeout(resolve, 60_000, 'an answer')))
  await vi.advanceTimersByTimeAsync(59_000)
  expect(long.is).toBe('waiting')
  expect(server.pings).toBeGreaterThan(1)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(long.is).toBe('an answer')
})

test('when nobody is there all questions are over at once, and those that come are refused without being asked', async () => {
  const { server, outcome } = world()
  server.isThere = false
  const asked = [outcome(never), outcome(never)]
  await vi.advanceTimersByTimeAsync(patienceMs - 1)
  expect(server.pings).toBe(0)
  await vi.advanceTimersByTimeAsync(5_000)
  expect(asked.map(({ is }) => is)).toEqual(['TimeoutError', 'TimeoutError'])
  const question = vi.fn(never)
  const next = outcome(question)
  await vi.advanceTimersByTimeAsync(0)
  expect([next.is, question.mock.calls.length]).toEqual(['TimeoutError', 0])
})

test('whoever asks when it is back is answered, however long nobody has asked', async () => {
  const { server, outcome } = world()
  server.isThere = false
  outcome(never)
  await vi.advanceTimersByTimeAsync(10_000)
  const pings = server.pings
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(server.pings).toBe(pings)
  server.isThere = true
  const first = outcome(async () => 'an answer')
  await vi.advanceTimersByTimeAsync(0)
  expect(first.is).toBe('an answer')
})

test('an answer to one question shows the others that somebody is there', async () => {
  const { server, outcome } = world()
  const long = outcome(never)
  for (let i = 0; i < 20; i++) {
    await vi.advanceTimersByTimeAsync(patienceMs / 2)
    outcome(() => (i % 2 === 0 ? Promise.resolve('fine') : Promise.reject(new RefusedRequest(400, 'no', undefined))))
  }
  expect([long.is, server.pings]).toEqual(['waiting', 0])
})

test('no question is asked before the time that the server has named', async () => {
  const { outcome } = world()
  const busy = new RefusedRequest(503, 'busy', '7')
  expect(await outcomeOf(() => Promise.reject(busy), outcome)).toBe('RefusedRequest')
  const question = vi.fn(async () => 'an answer')
  await vi.advanceTimersByTimeAsync(6_999)
  expect([await outcomeOf(question, outcome), question.mock.calls.length]).toEqual(['RefusedRequest', 0])
  await vi.advanceTimersByTimeAsync(1)
  expect(await outcomeOf(question, outcome)).toBe('an answer')
})

async function outcomeOf(question: () => Promise<unknown>, outcome: ReturnType<typeof world>['outcome']) {
  const told = outcome(question)
  await vi.advanceTimersByTimeAsync(0)
  return told.is
}
