import { describe, expect, test } from 'vitest'
import {
  type DeviceHistory,
  describeCourse,
  expectAlerts,
  type ForetoldRule,
  type SentMessage,
} from '../../firmware-sim/index.ts'

const startMs = 1_795_341_600_000
const latencyMs = 20

/** A message sent so many seconds after the start, acknowledged at once or (null) never. */
function at(second: number, value: number, more: { timeS?: number; ahead?: boolean; lateMs?: number | null } = {}) {
  const sentMs = startMs + second * 1_000
  const { timeS = second, ahead = false, lateMs = latencyMs } = more
  const row = { timeMs: startMs + timeS * 1_000, values: { voltage: value }, clock: ahead ? 'ahead' : 'own' } as const
  return { sentMs, ackedMs: lateMs === null ? undefined : sentMs + lateMs, rows: [row] } satisfies SentMessage
}

function historyOf(messages: readonly SentMessage[]): DeviceHistory {
  const registered = { fromMs: startMs, toMs: startMs }
  const device = { deviceId: 'd', siteId: 'main', profileId: 'meter', reportingIntervalMs: 10_000 }
  return { ...device, registered, messages }
}

const overvoltage = {
  metric: 'voltage',
  op: '>',
  levels: [
    { severity: 'critical', value: 264, clear: 261 },
    { severity: 'warning', value: 253, clear: 250 },
  ],
} as const

function ruleOf(condition: ForetoldRule['condition'], more: Partial<ForetoldRule> = {}): ForetoldRule {
  const rule = { id: 'r', name: 'R', enabled: true, appliesTo: { profile: 'meter' }, forMs: 0, keepFiringForMs: 0 }
  return { ...rule, condition, since: undefined, ...more }
}

function coursesOf(rule: ForetoldRule, messages: readonly SentMessage[], askedS: number): string[] {
  const askedMs = startMs + askedS * 1_000
  const [expectation] = expectAlerts([historyOf(messages)], [rule], { fromMs: askedMs, toMs: askedMs + latencyMs })
  return (expectation?.courses ?? []).map((course) => describeCourse(course).replaceAll(/ at \d+/g, ''))
}

describe('what a rule with limits must raise', () => {
  const course = (messages: readonly SentMessage[], more: Partial<ForetoldRule> = {}, askedS = 30) =>
    coursesOf(ruleOf({ ...overvoltage, levels: [...overvoltage.levels] }, more), messages, askedS)

  test('follows the value up and down through its levels, each with its own way back', () => {
    const values = [230, 254, 265, 262, 260, 251, 249, 254]
    expect(course(values.map((value, second) => at(second, value)))).toEqual([
      'firing warning, severity critical, severity warning, resolved, firing warning',
    ])
  })

  test('jumps to the severest level at once', () => {
    expect(course([at(0, 230), at(1, 270), at(2, 230)])).toEqual(['firing critical, resolved'])
  })

  test('takes no notice of what is not newer, nor of a clock far ahead', () => {
    const late = at(2, 270, { timeS: 1 })
    const again = at(3, 270, { timeS: 1 })
    const ahead = at(4, 270, { ahead: true, timeS: 900 })
    expect(course([at(1, 230), late, again, ahead, at(6, 230)])).toEqual(['nothing'])
  })

  test('leaves open what came about when a reading stored at its arrival came', () => {
    const ahead = at(4, 230, { ahead: true, timeS: 900, lateMs: 3_000 })
    expect(course([at(1, 230), ahead, at(6, 270), at(8, 230)]).sort()).toEqual(['firing critical, resolved', 'nothing'])
  })

  test('leaves open what was never acknowledged', () => {
    expect(course([at(1, 230), at(2, 270, { lateMs: null })])).toEqual(['nothing', 'firing critical'])
  })

  test('waits for its time, which goes on without a reading', () => {
    const high = [at(0, 230), at(1, 254), at(2, 255), at(3, 255)]
    expect(course([...high, at(4, 230)], { forMs: 5_000 })).toEqual(['nothing'])
    expect(course([...high, at(7, 230)], { forMs: 5_000 })).toEqual(['firing warning, resolved'])
    expect(course(high, { forMs: 5_000 })).toEqual(['firing warning'])
  })

  test('is sure when a reading says that the time has passed', () => {
    expect(course([at(0, 230), at(1, 254), at(6, 230)], { forMs: 5_000 })).toEqual(['firing warning, resolved'])
  })

  test('leaves open what hangs on milliseconds', () => {
    const high = [at(0, 230), at(1, 254), at(5.99, 230)]
    expect(course(high, { forMs: 5_000 }).sort()).toEqual(['firing warning, resolved', 'nothing'])
  })

  test('does not wait for a value that nobody has heard for three intervals', () => {
    expect(course([at(0, 230), at(1, 254), at(40, 230)], { forMs: 35_000 }, 60)).toEqual(['nothing'])
  })

  test('outlives its condition for as long as it is told to', () => {
    const keepFiringForMs = 3_000
    const values = [at(0, 254), at(1, 230), at(2, 254), at(3, 230)]
    expect(course(values, { keepFiringForMs }, 4)).toEqual(['firing warning'])
    expect(course([...values, at(7, 230)], { keepFiringForMs })).toEqual(['firing warning, resolved'])
    expect(course(values, { keepFiringForMs })).toEqual(['firing warning, resolved'])
  })
})

describe('what silence must raise', () => {
  const silence = ruleOf({ noData: { intervals: 3, severity: 'warning' } })
  const course = (messages: readonly SentMessage[], askedS: number) => coursesOf(silence, messages, askedS)

  test('nothing while messages come, whatever is in them', () => {
    expect(course([at(20, 1), { ...at(45, 1), rows: [] }, at(70, 1)], 80)).toEqual(['nothing'])
  })

  test('an alert that ends with the next message, and one that has not ended', () => {
    expect(course([at(1, 1), at(40, 1)], 90)).toEqual(['firing warning, resolved, firing warning'])
  })

  test('an alert for a device that was never heard', () => {
    expect(course([], 29)).toEqual(['nothing'])
    expect(course([], 31)).toEqual(['firing warning'])
  })

  test('nothing certain where the times do not tell', () => {
    expect(course([at(1, 1), at(30, 1, { lateMs: 5_000 })], 40)).toEqual(['nothing', 'firing warning, resolved'])
  })

  test('a will that came late may have been what was heard last', () => {
    const will = { ...at(2, 1, { lateMs: 3_000 }), rows: [], will: true } as const
    expect(course([at(1, 1), will, at(33, 1)], 40)).toEqual(['nothing', 'firing warning, resolved'])
    expect(course([at(1, 1), will, at(36, 1)], 40)).toEqual(['firing warning, resolved'])
  })

  test('counts from when the rule began to apply', () => {
    const since = { fromMs: startMs + 20_000, toMs: startMs + 20_010 }
    expect(coursesOf({ ...silence, since }, [], 45)).toEqual(['nothing'])
    expect(coursesOf({ ...silence, since }, [], 55)).toEqual(['firing warning'])
  })
})
