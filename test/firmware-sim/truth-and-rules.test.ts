import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Course,
  describeCourse,
  expectAlerts,
  type ForetoldRule,
  type SentMessage,
} from '../../firmware-sim/index.ts'
import { builtInProfiles, type Comparison, parseMetricName } from '../../model/index.ts'
import { noon, run, Script, second } from '../rules/script.ts'

/** Two programs that were written apart and must not be of different minds: the simulator's truth and the rules. */

const reportingIntervalMs = 5 * second
const profiles = builtInProfiles.map((profile) => ({ ...profile, reportingIntervalMs }))

const seconds = (max: number) => fc.integer({ min: 0, max: max * 4 }).map((quarters) => quarters / 4)

const rules = fc.record({
  op: fc.constantFrom<Comparison[]>('>', '>=', '<', '<='),
  severities: fc.constantFrom(
    ['warning'],
    ['warning', 'critical'],
    ['info', 'critical'],
    ['info', 'warning', 'critical'],
  ),
  hysteresis: fc.constantFrom(0, 1.5),
  forS: fc.oneof(fc.constant(0), seconds(20)),
  keepFiringForS: fc.oneof(fc.constant(0), seconds(8)),
})

const messages = fc.array(
  fc.record({
    gapS: fc.oneof({ weight: 9, arbitrary: seconds(4) }, { weight: 1, arbitrary: seconds(30) }),
    /** How far beyond the first limit. */
    beyond: fc.integer({ min: -3, max: 8 }),
    lateS: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: seconds(10) }),
    /** On its way, and its acknowledgement on the way back. */
    wayMs: fc.integer({ min: 0, max: 400 }),
    backMs: fc.integer({ min: 0, max: 400 }),
  }),
  { maxLength: 40 },
)

/** A limit at 100, the next one 3 further out. */
function conditionOf({
  op,
  severities,
  hysteresis,
}: {
  op: Comparison
  severities: readonly string[]
  hysteresis: number
}) {
  const outwards = op.startsWith('>') ? 1 : -1
  const levels = severities.map((severity, i) => {
    const value = 100 + outwards * 3 * i
    return { severity: severity as 'info' | 'warning' | 'critical', value, clear: value - outwards * hysteresis }
  })
  return { metric: 'voltage', op, levels }
}

test('what the simulator foretells is what the rules do', async () => {
  let certain = 0
  let runs = 0
  const property = fc.asyncProperty(rules, messages, async (rule, sent) => {
    const condition = conditionOf(rule)
    const hold = { forMs: rule.forS * second, keepFiringForMs: rule.keepFiringForS * second }
    const script = new Script(profiles)
    script
      .rule('limit', { ...condition, metric: parseMetricName('voltage') }, hold)
      .device('d')
      .at(1)
    script.rule('silence', { noData: { intervals: 3, severity: 'warning' } })
    const history: SentMessage[] = []
    let atS = 1
    for (const { gapS, beyond, lateS, wayMs, backMs } of sent) {
      atS += gapS + 0.001
      const value = 100 + (rule.op.startsWith('>') ? beyond : -beyond)
      const receivedMs = noon + atS * second
      const timeMs = Math.round(receivedMs - wayMs - lateS * second)
      script.at(atS).send('d', { timeS: (timeMs - noon) / second, values: { voltage: value } })
      const rows = [{ timeMs, values: { voltage: value }, clock: 'own' }] as const
      history.push({ sentMs: receivedMs - wayMs, ackedMs: receivedMs + backMs, rows })
    }
    const endS = atS + 40
    script.at(endS)
    const transitions = await run(script.frames)

    const device = { deviceId: 'd', siteId: 'main', profileId: 'meter-1ph', reportingIntervalMs, messages: history }
    const foretold: ForetoldRule[] = [
      { id: 'limit', condition, ...hold },
      {
        id: 'silence',
        condition: { noData: { intervals: 3, severity: 'warning' as const } },
        forMs: 0,
        keepFiringForMs: 0,
      },
    ].map((rule) => ({ ...rule, name: '', enabled: true, appliesTo: { profile: 'meter-1ph' }, since: atOneSecond }))
    const asked = { fromMs: noon + endS * second, toMs: noon + endS * second }
    for (const { ruleId, courses } of expectAlerts([{ ...device, registered: atOneSecond }], foretold, asked)) {
      const done: Course = transitions
        .filter((transition) => transition.ruleId === ruleId)
        .flatMap(({ kind, severity, value }) =>
          kind === 'firing' || kind === 'severity' || kind === 'resolved' ? [{ kind, severity, value }] : [],
        )
      expect(courses.map(describeCourse)).toContain(describeCourse(done))
      runs++
      if (courses.length === 1) certain++
    }
  })
  await fc.assert(property, { numRuns: 300 })
  // It is no oracle that always answers "perhaps".
  expect(certain / runs).toBeGreaterThan(0.6)
})

const atOneSecond = { fromMs: noon + second, toMs: noon + second }
