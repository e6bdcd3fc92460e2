import type { SimulatedProfile } from '../signals/profiles.ts'
import type { Sample } from '../signals/signal.ts'

/** Something that leaves its band: what is measured, step by step out and back, in the metric's unit. */
interface Excursion {
  readonly name: string
  readonly metrics: readonly string[]
  readonly values: readonly number[]
}

/**
 * Beyond the limits that the default rules have: warning, critical, warning; beyond one limit where there is one.
 * A measured voltage between lines follows from the phases.
 */
const excursions: Readonly<Record<SimulatedProfile, readonly [Excursion, ...Excursion[]]>> = {
  'meter-1ph': [
    { name: 'overvoltage', metrics: ['voltage'], values: [256, 268, 256] },
    { name: 'overcurrent', metrics: ['current'], values: [64, 76, 64] },
    { name: 'undervoltage', metrics: ['voltage'], values: [204, 192, 204] },
  ],
  'meter-3ph': [
    { name: 'overvoltage', metrics: ['voltage_l1', 'voltage_l2', 'voltage_l3'], values: [257, 267, 257] },
    { name: 'undervoltage', metrics: ['voltage_l1', 'voltage_l2', 'voltage_l3'], values: [205, 194, 205] },
    { name: 'a phase too high', metrics: ['voltage_l2'], values: [258, 268, 258] },
  ],
  transformer: [{ name: 'over-temperature', metrics: ['temperature'], values: [68, 78, 68] }],
  'weather-station': [
    { name: 'heat', metrics: ['temperature'], values: [32] },
    { name: 'humid air', metrics: ['humidity'], values: [84] },
    { name: 'storm', metrics: ['wind_speed'], values: [26] },
  ],
}

/** Nothing in nature stands still; well within the distance to the next limit. */
const tremble = 0.4

/** The profile's excursions in turn. */
export function excursionOf(profile: SimulatedProfile, turn: number): Excursion {
  const [first, ...others] = excursions[profile]
  return [first, ...others][turn % (others.length + 1)] ?? first
}

/** What to force at that share of the excursion. */
export function excursionSample({ metrics, values }: Excursion, share: number, random: () => number): Sample {
  const value = values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? 0
  return Object.fromEntries(metrics.map((metric) => [metric, round(value + tremble * (2 * random() - 1))]))
}

/** Its furthest value. */
export function worstSample(excursion: Excursion, random: () => number): Sample {
  return excursionSample(excursion, 0.5, random)
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
