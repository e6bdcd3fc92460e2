import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createRefusedRequests } from '../../api/refused-requests.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function setUp() {
  const lines: Record<string, unknown>[] = []
  const logger = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const told = () => lines.splice(0).map(({ level: _level, time: _time, ...line }) => line)
  return { refused: createRefusedRequests(logger), told }
}

const one = { code: 'forbidden', method: 'GET', route: '/api/v1/keys', requestId: 'r', address: '10.0.0.1' }

test('the first of everybody is logged, and after a minute the number of the rest', () => {
  const { refused, told } = setUp()
  for (let i = 0; i < 5; i++) refused.note({ ...one, principal: 'key:abc' })
  refused.note({ ...one, code: 'unauthenticated', principal: undefined })
  expect(told()).toEqual([
    { ...one, principal: 'key:abc', msg: 'request refused' },
    { ...one, code: 'unauthenticated', msg: 'request refused' },
  ])
  vi.advanceTimersByTime(59_999)
  expect(told()).toEqual([])
  vi.advanceTimersByTime(1)
  expect(told()).toEqual([{ again: { 'forbidden key:abc': 4 }, others: 0, msg: 'more requests refused' }])
  refused.note({ ...one, principal: 'key:abc' })
  expect(told()).toHaveLength(1)
})

test('whatever is tried, a minute has a bounded number of lines', () => {
  const { refused, told } = setUp()
  for (let i = 0; i < 1_000; i++) refused.note({ ...one, address: `10.0.0.${i}`, principal: undefined })
  expect(told()).toHaveLength(20)
  refused.flush()
  expect(told()).toEqual([{ again: {}, others: 980, msg: 'more requests refused' }])
})
