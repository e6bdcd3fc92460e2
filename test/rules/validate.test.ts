import { expect, test } from 'vitest'
import {
  builtInProfiles,
  parseMetricName,
  type RuleCondition,
  type RuleLevel,
  type ThresholdCondition,
} from '../../model/index.ts'
import { defaultRules, type RuleReach, validateRule } from '../../rules/index.ts'

const reach: RuleReach = { profiles: builtInProfiles.filter(({ id }) => id === 'meter-1ph') }
const voltage = parseMetricName('voltage')

const above = (...levels: RuleLevel[]): ThresholdCondition => ({ metric: voltage, op: '>', levels })
const below = (...levels: RuleLevel[]): ThresholdCondition => ({ metric: voltage, op: '<=', levels })

function wrong(condition: RuleCondition, forMs = 0, keepFiringForMs = 0, within = reach): string[] {
  return validateRule({ condition, forMs, keepFiringForMs }, within).map(({ field, message }) => `${field}: ${message}`)
}

test('a good rule has nothing wrong', () => {
  expect(
    wrong(above({ severity: 'info', value: 240 }, { severity: 'critical', value: 250, clear: 245 }), 5000, 60_000),
  ).toEqual([])
  expect(
    wrong(below({ severity: 'critical', value: 190, clear: 195 }, { severity: 'warning', value: 200, clear: 200 })),
  ).toEqual([])
  expect(wrong({ noData: { intervals: 3, severity: 'info' } })).toEqual([])
})

test('the default packs are good rules for their profiles, with ids of their own', () => {
  for (const rule of defaultRules) {
    const { appliesTo } = rule
    const profiles = builtInProfiles.filter(({ id }) => 'profile' in appliesTo && appliesTo.profile === id)
    expect([rule.id, ...validateRule(rule, { profiles })]).toEqual([rule.id])
  }
  expect(new Set(defaultRules.map(({ id }) => id)).size).toBe(defaultRules.length)
})

test.each<[string, string[], string[]]>([
  [
    'clear on the wrong side',
    wrong(above({ severity: 'info', value: 240, clear: 241 })),
    ["condition/levels/0/clear: must be at or below the level's value 240"],
  ],
  [
    'clear on the wrong side, below',
    wrong(below({ severity: 'info', value: 200, clear: 199 })),
    ["condition/levels/0/clear: must be at or above the level's value 200"],
  ],
  [
    'a severity twice',
    wrong(above({ severity: 'info', value: 240 }, { severity: 'info', value: 250 })),
    ['condition/levels/1/severity: is info a second time'],
  ],
  [
    'a severer level nearer',
    wrong(above({ severity: 'critical', value: 240 }, { severity: 'info', value: 250 })),
    ["condition/levels/0/value: must be above the info level's 250"],
  ],
  [
    'a severer level at the same value',
    wrong(below({ severity: 'warning', value: 200 }, { severity: 'critical', value: 200 })),
    ["condition/levels/1/value: must be below the warning level's 200"],
  ],
  [
    'a severer level that clears later',
    wrong(above({ severity: 'warning', value: 240 }, { severity: 'critical', value: 250, clear: 230 })),
    ['condition/levels/1/clear: must not clear after the warning level, at 240'],
  ],
  ['no level', wrong(above()), ['condition/levels: must have 1 to 3 levels']],
  [
    'not a number',
    wrong(above({ severity: 'info', value: Number.NaN, clear: Number.POSITIVE_INFINITY })),
    ['condition/levels/0/value: must be a finite number', 'condition/levels/0/clear: must be a finite number'],
  ],
  [
    'durations out of bounds',
    wrong(above({ severity: 'info', value: 240 }), -1, 0.5),
    [
      'forMs: must be a whole number from 0 to 7776000000',
      'keepFiringForMs: must be a whole number from 0 to 7776000000',
    ],
  ],
  [
    'durations beside a silence',
    wrong({ noData: { intervals: 0, severity: 'info' } }, 1000, 1000),
    [
      'condition/noData/intervals: must be a whole number from 1 to 10000',
      'forMs: must be 0: the intervals say how long',
      'keepFiringForMs: must be 0: the first message ends the silence',
    ],
  ],
  [
    'a metric of another profile',
    wrong({ ...above({ severity: 'info', value: 1 }), metric: parseMetricName('humidity') }),
    ['condition/metric: humidity is not a metric of what the rule applies to'],
  ],
])('%s is refused with its field', (_, faults, expected) => {
  expect(faults).toEqual(expected)
})

test('a discovered metric is known as well', () => {
  const flow = { ...above({ severity: 'info', value: 1 }), metric: parseMetricName('flow') }
  expect(wrong(flow, 0, 0, { ...reach, discovered: [parseMetricName('flow')] })).toEqual([])
})
