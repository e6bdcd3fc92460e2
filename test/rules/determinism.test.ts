import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  builtInProfiles,
  type RuleCondition,
  type RuleRecord,
  type Transition,
  transitionKinds,
} from '../../model/index.ts'
import { type Frame, memoryAfter, metricName, noon, overvoltage, run, Script, second } from './script.ts'

/** A log in which things happen that rules care about, in an order that chance decides. */
type Step =
  | {
      readonly do: 'send'
      readonly device: number
      readonly volts: number
      readonly amps: number
      readonly lagS: number
    }
  | { readonly do: 'backlog'; readonly device: number; readonly volts: readonly number[]; readonly stepS: number }
  | { readonly do: 'wait' | 'down'; readonly seconds: number }
  | { readonly do: 'rule'; readonly rule: number; readonly variant: number }
  | { readonly do: 'device'; readonly device: number; readonly variant: number }
  | { readonly do: 'resolve'; readonly nth: number }

const devices = ['m1', 'm2']
/** Reports every twenty seconds, so that a value holds for a minute. */
const profiles = builtInProfiles.map((profile) => ({ ...profile, reportingIntervalMs: 20 * second }))
const overcurrent: RuleCondition = {
  metric: metricName('current'),
  op: '>=',
  levels: [
    { severity: 'critical', value: 70 },
    { severity: 'info', value: 50, clear: 45 },
  ],
}
const undervoltage: RuleCondition = {
  metric: metricName('voltage'),
  op: '<',
  levels: [{ severity: 'warning', value: 240, clear: 245 }],
}
const variants: readonly { readonly condition: RuleCondition; readonly more: Partial<RuleRecord> }[] = [
  { condition: overvoltage, more: {} },
  { condition: overvoltage, more: { forMs: 45_000, keepFiringForMs: 30_000 } },
  { condition: overcurrent, more: { forMs: 20_000 } },
  { condition: undervoltage, more: { keepFiringForMs: 100_000 } },
  { condition: { noData: { intervals: 1, severity: 'info' } }, more: {} },
  { condition: { noData: { intervals: 3, severity: 'critical' } }, more: {} },
  { condition: overvoltage, more: { enabled: false } },
]

const device = fc.integer({ min: 0, max: devices.length - 1 })
const volts = fc.integer({ min: 235, max: 270 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      device,
      volts,
      amps: fc.integer({ min: 40, max: 80 }),
      lagS: fc.constantFrom(0, 0, 0, 1, 30, -20),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('backlog' as const),
      device,
      volts: fc.array(volts, { minLength: 1, maxLength: 6 }),
      stepS: fc.integer({ min: 1, max: 200 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 90 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('down' as const), seconds: fc.integer({ min: 1, max: 900 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('rule' as const),
      rule: fc.integer({ min: 0, max: 3 }),
      variant: fc.integer({ min: 0, max: variants.length }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('device' as const), device, variant: fc.integer({ min: 0, max: 2 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('resolve' as const), nth: fc.nat(20) }) },
)

function play(script: Script, todo: Step, alerts: readonly string[]): void {
  const s = () => (script.nowMs - noon) / second
  const id = 'device' in todo ? (devices[todo.device] ?? '') : ''
  switch (todo.do) {
    case 'send':
      script.send(id, { timeS: s() - todo.lagS, values: { voltage: todo.volts, current: todo.amps } })
      break
    case 'backlog':
      script.send(
        id,
        ...todo.volts.map((voltage, i) => ({ timeS: s() + (i - todo.volts.length) * todo.stepS, values: { voltage } })),
      )
      break
    case 'wait':
      script.at(s() + todo.seconds)
      break
    case 'down':
      script.down(s() + todo.seconds)
      break
    case 'rule': {
      const variant = variants[todo.variant]
      const ruleId = `rule-${todo.rule}`
      if (variant === undefined) script.removeRule(ruleId)
      else script.rule(ruleId, variant.condition, { version: script.frames.length, ...variant.more })
      break
    }
    case 'device':
      if (todo.variant === 0) script.removeDevice(id)
      else script.device(id, todo.variant === 1 ? {} : { number: script.frames.length })
      break
    case 'resolve': {
      const alertId = alerts[todo.nth]
      if (alertId !== undefined) script.resolve(alertId)
      break
    }
    default:
      todo satisfies never
  }
}

/** An alert's id is known only after a run, so orders to resolve one are found by running what is before them. */
async function scriptOf(steps: readonly Step[]): Promise<readonly Frame[]> {
  const script = new Script(profiles)
  for (const id of devices) script.device(id)
  script.rule('rule-0', overvoltage).rule('rule-1', overcurrent, { forMs: 20_000 })
  script.rule('rule-2', { noData: { intervals: 2, severity: 'warning' } })
  for (const todo of steps) {
    const alerts = todo.do === 'resolve' ? (await run(script.frames)).map(({ alertId }) => alertId).reverse() : []
    play(script, todo, alerts)
  }
  return script.at((script.nowMs - noon) / second + 400).frames
}

const steps = fc.array(step, { minLength: 10, maxLength: 60 })

test('the same log gives the same transitions, in whatever portions and with restarts anywhere', async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.integer({ min: 1, max: 97 }),
      fc.integer({ min: 1, max: 41 }),
      fc.integer({ min: 1, max: 60 }),
      async (todo, restart, commit, snapshot) => {
        const frames = await scriptOf(todo)
        const once = await run(frames)
        const again = await run(frames, {
          restartAfter: (frame) => frame % restart === restart - 1,
          commitAfter: (frame) => frame % commit === 0,
          snapshotEvery: snapshot,
        })
        expect(again).toEqual(once)
        expect(JSON.stringify(again)).toBe(JSON.stringify(once))
      },
    ),
    { numRuns: 60 },
  )
})

test('an alert begins once, ends once, and its story goes forward', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (todo) => {
      const transitions = await run(await scriptOf(todo))
      const open = new Map<string, string>()
      const stories = new Map<string, Transition[]>()
      for (const transition of transitions) {
        const { alertId, kind, ruleId, deviceId, metric } = transition
        const about = `${ruleId} ${deviceId} ${metric}`
        // One alert per rule and subject: another may begin only when this one has ended.
        expect(open.get(about) ?? alertId).toBe(alertId)
        if (kind === 'resolved' || kind === 'inactive') open.delete(about)
        else open.set(about, alertId)
        stories.set(alertId, [...(stories.get(alertId) ?? []), transition])
      }
      for (const steps of stories.values()) {
        const kinds = steps.map(({ kind }) => kind)
        expect(kinds.join(' ')).toMatch(/^(pending( inactive| resolved)?|(pending )?firing( severity)*( resolved)?)$/)
        expect(kinds.every((kind) => transitionKinds.includes(kind))).toBe(true)
        expect(steps.map(({ ordinal }) => ordinal)).toEqual(steps.map((_, i) => i))
        const times = steps.map(({ timeMs }) => timeMs)
        expect(times).toEqual([...times].sort((a, b) => a - b))
        const severities = steps
          .filter(({ kind }) => kind === 'firing' || kind === 'severity')
          .map((each) => each.severity)
        expect(severities.every((severity, i) => severity !== severities[i - 1])).toBe(true)
      }
      const received = transitions.map(({ receivedMs }) => receivedMs)
      expect(received).toEqual([...received].sort((a, b) => a - b))
    }),
    { numRuns: 60 },
  )
})

test('nothing fires before its for has passed, nor resolves before its keepFiringFor', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (todo) => {
      for (const { kind, reason, timeMs, evidence } of await run(await scriptOf(todo))) {
        if (evidence.kind !== 'threshold') continue
        if (kind === 'firing') expect(timeMs - evidence.sinceMs).toBeGreaterThanOrEqual(evidence.forMs)
        if (kind === 'resolved' && reason === 'condition_cleared')
          expect(timeMs - evidence.sinceMs).toBeGreaterThanOrEqual(evidence.keepFiringForMs)
      }
    }),
    { numRuns: 60 },
  )
})

test('the same memory gives the same bytes, also after it was read back', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(1000), async (todo, cut) => {
      const frames = await scriptOf(todo)
      const at = cut % frames.length
      expect(Buffer.compare(memoryAfter(frames, at), memoryAfter(frames))).toBe(0)
    }),
    { numRuns: 60 },
  )
})
