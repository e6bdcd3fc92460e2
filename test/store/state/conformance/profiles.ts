import { describe, expect, test } from 'vitest'
import type { Metric } from '../../../../model/index.ts'
import { device, type MakeStatePlace, meter, metric, profile, refusal, series, useState } from '../harness.ts'

export function describeProfiles(make: MakeStatePlace): void {
  describe('profiles', () => {
    const bench = useState(make)

    test('a profile is read as it was written', async () => {
      const { state, change } = bench()
      const own = {
        ...profile('own'),
        metrics: [metric('flow'), { ...metric('volume', 'register'), maxRatePerS: 0.5 }],
      }
      await change((unit) => unit.profiles.create(own))
      expect(await state.profiles.get(own.id)).toEqual(own)
      expect(await refusal(change((unit) => unit.profiles.create(own)))).toBe('conflict id')
    })

    test.each<[string, Partial<Metric>[], string]>([
      ['the same name twice', [metric('flow'), metric('flow')], 'metrics/1/name'],
      ['an empty range', [{ ...metric('flow'), min: 5, max: 5 }], 'metrics/0/max'],
      ['a rate that nothing can keep', [{ ...metric('flow'), maxRatePerS: 0 }], 'metrics/0/maxRatePerS'],
      ['a register without digits', [{ ...metric('volume', 'register'), digits: null }], 'metrics/0/digits'],
      ['more digits than a number holds', [{ ...metric('volume', 'register'), digits: 16 }], 'metrics/0/digits'],
      ['digits of a gauge', [{ ...metric('flow'), digits: 4 }], 'metrics/0/digits'],
      ['a multiplier of a gauge', [{ ...metric('flow'), multiplier: 2 }], 'metrics/0/multiplier'],
      ['a negative multiplier', [{ ...metric('volume', 'register'), multiplier: -1 }], 'metrics/0/multiplier'],
    ])('refuses %s', async (_, metrics, field) => {
      const faulty = { ...profile('faulty'), metrics: metrics as Metric[] }
      expect(await refusal(bench().change((unit) => unit.profiles.create(faulty)))).toBe(`invalid_input ${field}`)
    })

    test('refuses a reporting interval of nothing', async () => {
      const faulty = { ...profile('faulty'), reportingIntervalMs: 0 }
      const refused = await refusal(bench().change((unit) => unit.profiles.create(faulty)))
      expect(refused).toBe('invalid_input reportingIntervalMs')
    })

    test('a metric keeps its kind once it has series, and may change everything else', async () => {
      const { state, change } = bench()
      const [voltage, energy] = [metric('voltage'), metric('energy', 'register')]
      const setMetrics = (metrics: Metric[]) => change((unit) => unit.profiles.update(meter, { metrics }))
      await setMetrics([metric('voltage', 'state'), energy])
      await setMetrics([voltage, energy])
      await state.series.ensure([series(1, 'voltage')])
      expect(await refusal(setMetrics([metric('voltage', 'state'), energy]))).toBe('conflict metrics')
      expect(await refusal(setMetrics([energy]))).toBe('conflict metrics')
      const wider = await setMetrics([{ ...voltage, max: 500, unit: 'kV' }, energy])
      expect(wider.metrics[0]).toMatchObject({ max: 500, unit: 'kV' })
    })

    test('a discovered metric can be adopted', async () => {
      const { state, change } = bench()
      await state.series.ensure([{ ...series(1, 'hum'), known: false }])
      const { metrics } = (await state.profiles.get(meter)) ?? profile('meter')
      const adopted = await change((unit) => unit.profiles.update(meter, { metrics: [...metrics, metric('hum')] }))
      expect(adopted.metrics.map((known) => known.name)).toEqual(['voltage', 'energy', 'hum'])
    })

    test('a profile stays while it has devices or series', async () => {
      const { change } = bench()
      await change((unit) => unit.devices.create(device('user', { profileId: profile('own').id })))
      expect(await refusal(change((unit) => unit.profiles.remove(profile('own').id)))).toBe('conflict devices')
      await change((unit) => unit.devices.remove(device('user').id))
      await change((unit) => unit.profiles.remove(profile('own').id))
      expect(await refusal(change((unit) => unit.profiles.remove(meter)))).toBe('conflict series')
    })
  })
}
