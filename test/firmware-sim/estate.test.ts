import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createEstate, type MeasuringPoint } from '../../firmware-sim/index.ts'

const startMs = Date.UTC(2026, 2, 1)
const options = { seed: 5, startMs, utcOffsetMs: 7 * 3_600_000 }
const noon = startMs + 5 * 3_600_000

const named = (points: readonly MeasuringPoint[], start: string) => points.filter(({ name }) => name.startsWith(start))

function valueAt(point: MeasuringPoint | undefined, metric: string, timeMs: number): number {
  return point?.signal.sample(timeMs)[metric] ?? Number.NaN
}

describe('an estate', () => {
  test('has as many points as asked for, each with a name of its own, and no panel without a load', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), (size) => {
        const points = createEstate(size, options)
        expect(points.length).toBe(size)
        expect(new Set(points.map(({ name }) => name)).size).toBe(size)
        for (const { name } of named(points, 'panel'))
          expect(named(points, `${name.replace('panel', 'load')}-`).length).toBeGreaterThan(0)
      }),
    )
  })

  test('of a dozen and more has every profile', () => {
    const profiles = new Set(createEstate(14, options).map(({ profile }) => profile))
    expect([...profiles].sort()).toEqual(['meter-1ph', 'meter-3ph', 'transformer', 'weather-station'])
  })

  test('has panels that are the sum of their loads, and a transformer that carries its panels', () => {
    const points = createEstate(14, options)
    const panels = named(points, 'panel')
    for (let timeMs = noon; timeMs < noon + 3_600_000; timeMs += 60_000) {
      let apparent = 0
      for (const panel of panels) {
        const loads = named(points, `${panel.name.replace('panel', 'load')}-`)
        const sum = loads.reduce((total, load) => total + valueAt(load, 'power', timeMs), 0)
        const sample = panel.signal.sample(timeMs)
        expect(sample['power']).toBeCloseTo(sum, 6)
        apparent += sample['apparent_power'] ?? 0
      }
      const percent = valueAt(named(points, 'transformer')[0], 'load', timeMs)
      expect(percent).toBeGreaterThan(10)
      // One rating explains every load; the percentage is rounded to a tenth.
      expect(Math.abs(apparent / percent / apparentPerPercent(points) - 1)).toBeLessThan(0.01)
    }
  })

  test('feels an overload of one load in its panel and its transformer', () => {
    const points = createEstate(14, options)
    const [load, panel, transformer] = ['load-1-1-1', 'panel-1-1', 'transformer-1'].map(
      (name) => named(points, name)[0],
    )
    const before = { panel: valueAt(panel, 'current_l1', noon), transformer: valueAt(transformer, 'load', noon) }
    const overloaded = load?.signal.sample(noon + 1_000, { current: 66 })
    expect(overloaded?.['current']).toBeCloseTo(66, 1)
    expect(valueAt(panel, 'current_l1', noon + 1_000)).toBeGreaterThan(60)
    expect(valueAt(transformer, 'load', noon + 1_000)).toBeGreaterThan(before.transformer + 3)
    load?.signal.sample(noon + 2_000)
    expect(Math.abs(valueAt(panel, 'current_l1', noon + 2_000) - before.panel)).toBeLessThan(5)
  })
})

function apparentPerPercent(points: readonly MeasuringPoint[]): number {
  const apparent = named(points, 'panel').reduce((sum, panel) => sum + valueAt(panel, 'apparent_power', noon), 0)
  return apparent / valueAt(named(points, 'transformer')[0], 'load', noon)
}
