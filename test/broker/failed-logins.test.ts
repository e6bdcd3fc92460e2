import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createFailedLogins } from '../../broker/failed-logins.ts'

function setUp() {
  const lines: Record<string, unknown>[] = []
  const logger = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const time = { ms: 0 }
  const logins = createFailedLogins(logger, () => time.ms)
  const told = () => lines.splice(0).map(({ level: _level, time: _time, ...line }) => line)
  return { logins, time, told }
}

test('the first of a principal is logged, and after a minute the number of the rest', () => {
  const { logins, time, told } = setUp()
  for (let i = 0; i < 5; i++) logins.note({ principal: 'meter1', address: '10.0.0.1' })
  logins.note({ principal: 'meter2', address: '10.0.0.2' })
  expect(told()).toEqual([
    { principal: 'meter1', address: '10.0.0.1', msg: 'mqtt login failed' },
    { principal: 'meter2', address: '10.0.0.2', msg: 'mqtt login failed' },
  ])
  time.ms = 59_999
  logins.check()
  expect(told()).toEqual([])
  time.ms = 60_000
  logins.check()
  logins.check()
  expect(told()).toEqual([{ again: { meter1: 4 }, others: 0, msg: 'more mqtt logins failed' }])
  logins.note({ principal: 'meter1', address: '10.0.0.1' })
  expect(told()).toEqual([{ principal: 'meter1', address: '10.0.0.1', msg: 'mqtt login failed' }])
  expect(logins.total).toBe(7)
})

test('whatever is tried, a minute has a bounded number of lines, and all are counted', () => {
  const { logins, told } = setUp()
  for (let i = 0; i < 1_000; i++) logins.note({ principal: `meter${i}`, address: undefined })
  for (let i = 0; i < 3; i++) logins.note({ principal: undefined, address: undefined })
  expect(told()).toHaveLength(20)
  logins.flush()
  expect(told()).toEqual([{ again: {}, others: 983, msg: 'more mqtt logins failed' }])
  expect(logins.total).toBe(1_003)
})
