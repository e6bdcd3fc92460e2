import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type SimulatedProfile, signalOfProfile } from '../../firmware-sim/index.ts'
import { builtInProfiles } from '../../model/index.ts'

const startMs = Date.UTC(2026, 2, 1)
const minuteMs = 60_000
const dayOfMinutes = Array.from({ length: 24 * 60 }, (_, i) => startMs + i * minuteMs)
const profiles = Object.keys(signalOfProfile) as SimulatedProfile[]

const signalOf = (profile: SimulatedProfile, seed: number) =>
  signalOfProfile[profile]({ seed, startMs, utcOffsetMs: 7 * 3_600_000 })

/** What must raise no alert of the default rule packs: [lowest, highest] allowed. */
const healthy: Readonly<Record<SimulatedProfile, Readonly<Record<string, readonly [number, number]>>>> = {
  'meter-1ph': {
    voltage: [207, 253],
    current: [0, 60],
    power: [0, 95_000],
    power_factor: [0.85, 1],
    frequency: [49.5, 50.5],
  },
  'meter-3ph': {
    voltage_l1: [207, 253],
    voltage_l2: [207, 253],
    voltage_l3: [207, 253],
    voltage_l12: [360, 440],
    voltage_l23: [360, 440],
    voltage_l31: [360, 440],
    current_l1: [0, 60],
    current_l2: [0, 60],
    current_l3: [0, 60],
    power: [0, 95_000],
    power_factor: [0.85, 1],
  },
  transformer: {
    temperature: [0, 65],
    load: [0, 80],
    voltage_primary: [19_000, 21_000],
    voltage_secondary: [360, 440],
  },
  'weather-station': { temperature: [0, 30], humidity: [0, 80], pressure: [950, 1_050], wind_speed: [0, 20] },
}

describe.each(profiles)('the signal of %s', (profile) => {
  test("has the profile's metrics, no more and no fewer", () => {
    const metrics = builtInProfiles.find(({ id }) => id === profile)?.metrics.map(({ name }) => name)
    expect(Object.keys(signalOf(profile, 1).sample(startMs)).sort()).toEqual([...(metrics ?? [])].sort())
  })

  test('stays healthy all day, whatever the seed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
        const signal = signalOf(profile, seed)
        for (const timeMs of dayOfMinutes) {
          const sample = signal.sample(timeMs)
          for (const [metric, [low, high]] of Object.entries(healthy[profile])) {
            const value = sample[metric] ?? Number.NaN
            if (!(value >= low && value <= high)) throw new Error(`${metric} ${value} at ${new Date(timeMs)}`)
          }
        }
      }),
      { numRuns: 25 },
    )
  })

  test('is decided by its seed', () => {
    const [one, same, other] = [7, 7, 8].map((seed) => {
      const signal = signalOf(profile, seed)
      return dayOfMinutes.map((timeMs) => signal.sample(timeMs))
    })
    expect(same).toEqual(one)
    expect(other).not.toEqual(one)
  })

  test('varies from minute to minute', () => {
    const signal = signalOf(profile, 3)
    const seen = new Set(dayOfMinutes.map((timeMs) => JSON.stringify(signal.sample(timeMs))))
    expect(seen.size).toBeGreaterThan(dayOfMinutes.length * 0.9)
  })
})

describe('a simulated meter', () => {
  test.each(['meter-1ph', 'meter-3ph'] as const)(
    '%s: its register is the integral of its powers, to the watt-hour, at whatever times it is sampled',
    (profile) => {
      const gaps = fc.array(fc.integer({ min: 1, max: 30 * minuteMs }), { minLength: 1, maxLength: 300 })
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 1e6 }), gaps, (seed, gapsMs) => {
          const signal = signalOf(profile, seed)
          let timeMs = startMs
          let last = signal.sample(timeMs)
          const first = last
          let deciWattMs = 0n
          for (const gapMs of gapsMs) {
            timeMs += gapMs
            const next = signal.sample(timeMs)
            deciWattMs += BigInt(deciWatts(last) + deciWatts(next)) * BigInt(gapMs)
            last = next
          }
          const expectedWh = Number(deciWattMs / 72_000_000n)
          const registerWh = Math.round(((last['energy'] ?? 0) - (first['energy'] ?? 0)) * 1000)
          expect(registerWh).toBe(expectedWh)
        }),
        { numRuns: 50 },
      )
    },
  )

  test('single-phase current, voltage and power factor give its power', () => {
    const signal = signalOf('meter-1ph', 11)
    for (const timeMs of dayOfMinutes) {
      const { voltage = 0, current = 0, power = 0, power_factor: factor = 0 } = signal.sample(timeMs)
      expect(Math.abs(voltage * current * factor - power)).toBeLessThan(1)
    }
  })

  test('three-phase: the phases add up to the apparent power, which with the reactive gives the active', () => {
    const signal = signalOf('meter-3ph', 11)
    for (const timeMs of dayOfMinutes) {
      const sample = signal.sample(timeMs)
      const of = (metric: string) => sample[metric] ?? Number.NaN
      const phases = [1, 2, 3].reduce((sum, l) => sum + of(`voltage_l${l}`) * of(`current_l${l}`), 0)
      expect(Math.abs(phases - of('apparent_power'))).toBeLessThan(10)
      expect(Math.abs(Math.hypot(of('power'), of('reactive_power')) - of('apparent_power'))).toBeLessThan(0.3)
      expect(Math.abs(of('power') / of('apparent_power') - of('power_factor'))).toBeLessThan(0.001)
    }
  })

  test('its voltages between lines stay within 2 % of each other', () => {
    const signal = signalOf('meter-3ph', 5)
    for (const timeMs of dayOfMinutes) {
      const sample = signal.sample(timeMs)
      const lines = ['voltage_l12', 'voltage_l23', 'voltage_l31'].map((metric) => sample[metric] ?? 0)
      const mean = lines.reduce((sum, line) => sum + line, 0) / 3
      expect(Math.max(...lines.map((line) => Math.abs(line - mean))) / mean).toBeLessThan(0.02)
    }
  })
})

const deciWatts = (sample: Readonly<Record<string, number>>) => Math.round((sample['power'] ?? 0) * 10)
