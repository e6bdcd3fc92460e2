import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { builtInProfiles, controlTopic, type DeviceRecord, type MetricName } from '../../model/index.ts'
import { CalmColumns } from '../../rules/calm.ts'
import { createRuleEngine } from '../../rules/index.ts'
import { deviceRecord, metricName, noon, overvoltage, ruleRecord, second } from './script.ts'

const never = Number.POSITIVE_INFINITY
const healthy = [-never, never, -never, 253]
const metrics = ['frequency', 'voltage'].map(metricName)

function freshEngine() {
  const sink = { position: async () => 0, record: async () => {} }
  return createRuleEngine({ sink, logger: pino({ level: 'silent' }) })
}

function engineWith(...devices: readonly DeviceRecord[]) {
  const engine = freshEngine()
  const tell = (topic: string, record: object) => engine.control(topic, Buffer.from(JSON.stringify(record)))
  engine.beginFrame(noon, 1)
  for (const profile of builtInProfiles) tell(controlTopic.profile(profile.id), profile)
  tell('rule/over', ruleRecord('over', overvoltage))
  for (const device of devices) tell(controlTopic.device(device.id), device)
  const watchOf = (device: DeviceRecord, names: readonly MetricName[] = metrics) => {
    const watch = engine.watch(device, names)
    if (watch === undefined) throw new RangeError(`nobody watches ${device.id}`)
    return watch
  }
  return { engine, tell, watchOf }
}

const m1 = deviceRecord('m1', 1)
const m2 = deviceRecord('m2', 2)

describe('the values that change nothing', () => {
  test('are one array for all healthy devices with the same rules and metrics', () => {
    const { watchOf } = engineWith(m1, m2)
    expect([...watchOf(m1).calm]).toEqual(healthy)
    expect(watchOf(m2, [...metrics]).calm).toBe(watchOf(m1).calm)
  })

  test('are none of a series in trouble, until it is well again', () => {
    const { watchOf } = engineWith(m1, m2)
    watchOf(m1).take(1, noon, 255, 0)
    expect([...watchOf(m1).calm]).toEqual([-never, never, never, -never])
    expect([...watchOf(m2).calm]).toEqual(healthy)
    watchOf(m1).take(1, noon + second, 230, 0)
    expect(watchOf(m1).calm).toBe(watchOf(m2).calm)
  })

  test('follow the rules', () => {
    const { watchOf, tell } = engineWith(m1)
    const watch = watchOf(m1)
    tell('rule/over', ruleRecord('over', overvoltage, { enabled: false, version: 2 }))
    expect([...watch.calm]).toEqual([-never, never, -never, never])
  })

  test('grow with the metrics of the device', () => {
    const { watchOf } = engineWith(m1)
    const growing = metrics.slice(0, 1)
    expect([...watchOf(m1, growing).calm]).toEqual(healthy.slice(0, 2))
    growing.push(metricName('voltage'))
    expect([...watchOf(m1, growing).calm]).toEqual(healthy)
  })

  test('are those of its trouble also in a memory that was read back', () => {
    const { engine, watchOf } = engineWith(m1)
    watchOf(m1).take(1, noon, 255, 0)
    const again = freshEngine()
    again.decode(engine.encode())
    expect([...(again.watch(m1, metrics)?.calm ?? [])]).toEqual([-never, never, never, -never])
  })

  test('are kept of so many orders of metrics, and right for every one', () => {
    const columns = new CalmColumns(
      new Map([[metricName('voltage'), { rules: [], safeMin: 1, safeMax: 2, holdMs: 1 }]]),
    )
    for (let i = 0; i < 1000; i++)
      expect([...columns.of([metricName(`m${i}`), metricName('voltage')])]).toEqual([-never, never, 1, 2])
    expect(columns.of([metricName('m1')])).not.toBe(columns.of([metricName('m1')]))
  })
})

test('the version grows when devices come or go, and not when rules change', () => {
  const { engine, tell } = engineWith(m1)
  const before = engine.version
  tell('rule/over', ruleRecord('over', overvoltage, { version: 2 }))
  tell(controlTopic.device(m1.id), { ...m1, name: 'other' })
  expect(engine.version).toBe(before)
  tell(controlTopic.device(m2.id), m2)
  const came = engine.version
  engine.control(controlTopic.device(m2.id), new Uint8Array(0))
  expect(came).toBeGreaterThan(before)
  expect(engine.version).toBeGreaterThan(came)
})
