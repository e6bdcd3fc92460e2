import { describe, expect, test } from 'vitest'
import { builtInProfiles, findMetric, maySee, parseSiteId, roleIncludes } from '../../model/index.ts'
import { profileFaults } from '../../store/state/repositories/profile-faults.ts'

describe('built-in profiles', () => {
  test.each(builtInProfiles.map((profile) => [profile.id, profile] as const))(
    '%s is one that state accepts',
    (_, profile) => {
      expect(profileFaults(profile)).toEqual([])
    },
  )

  /** [profile, metric, lowest limit, highest limit] of the default rule packs: a value that should alarm is a valid one. */
  test.each([
    ['meter-3ph', 'voltage_l12', 340, 460],
    ['meter-3ph', 'voltage_l23', 340, 460],
    ['meter-3ph', 'voltage_l31', 340, 460],
    ['meter-3ph', 'voltage_l1', 196, 264],
    ['meter-1ph', 'voltage', 196, 264],
    ['meter-3ph', 'current_l1', 0, 70],
    ['meter-1ph', 'current', 0, 70],
    ['meter-3ph', 'power', 0, 105_000],
    ['meter-3ph', 'power_factor', 0, 0.85],
    ['transformer', 'temperature', 0, 75],
    ['transformer', 'load', 0, 100],
    ['weather-station', 'temperature', 0, 30],
    ['weather-station', 'humidity', 0, 80],
    ['weather-station', 'wind_speed', 0, 20],
  ])('the range of %s %s contains the limits of its rules', (id, name, lowest, highest) => {
    const profile = builtInProfiles.find((one) => one.id === id)
    const metric = profile && findMetric(profile, name)
    expect(metric?.min).toBeLessThanOrEqual(lowest)
    expect(metric?.max).toBeGreaterThan(highest)
  })

  test('a register is believed at any power that its profile allows', () => {
    const meters = builtInProfiles.filter(({ metrics }) => metrics.some(({ kind }) => kind === 'register'))
    expect(meters.map(({ id }) => id)).toEqual(['meter-1ph', 'meter-3ph'])
    for (const profile of meters) {
      const mostKwhPerS = (findMetric(profile, 'power')?.max ?? Number.NaN) / 1000 / 3600
      for (const { kind, maxRatePerS } of profile.metrics)
        if (kind === 'register') expect(maxRatePerS).toBeGreaterThan(mostKwhPerS)
    }
  })

  test('a metric that a profile does not know is not found', () => {
    for (const profile of builtInProfiles) expect(findMetric(profile, 'hum')).toBeUndefined()
  })
})

describe('principals', () => {
  test('a role includes those below it', () => {
    expect(roleIncludes('admin', 'viewer')).toBe(true)
    expect(roleIncludes('operator', 'operator')).toBe(true)
    expect(roleIncludes('viewer', 'operator')).toBe(false)
  })

  test('a scope shows its sites and no others', () => {
    const [a, b] = [parseSiteId('a'), parseSiteId('b')]
    expect([maySee('all', a), maySee([a], a), maySee([a], b), maySee([], a)]).toEqual([true, true, false, false])
  })
})
