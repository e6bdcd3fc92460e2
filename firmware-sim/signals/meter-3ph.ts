import { loadShare } from './day.ts'
import { createEnergyRegister } from './energy-register.ts'
import { createWander, hashUnit } from './random.ts'
import { roundTo, type Signal, type SignalOptions } from './signal.ts'

/** A panel on 220/380 V, peak between 12 and 30 kW, phases loaded within a few percent of each other. */
export function createMeter3ph({ seed, startMs, utcOffsetMs }: SignalOptions): Signal {
  const peakW = 12_000 + 18_000 * hashUnit(seed, -1)
  const register = createEnergyRegister(Math.floor(1e8 * (1 + hashUnit(seed, -2))))
  // Nothing here generates, so the export register stands still, wherever it once got to.
  const exportKwh = Math.floor(1e6 * hashUnit(seed, -3)) / 1000
  const machines = createWander(seed + 1, 120_000)
  const grid = createWander(seed + 2, 600_000)
  const network = createWander(seed + 3, 30_000)
  const wiring = createWander(seed + 4, 180_000)
  const unrest = [seed + 5, seed + 6, seed + 7].map((each) => createWander(each, 45_000))
  return {
    sample(timeMs) {
      const share = loadShare('working', timeMs, utcOffsetMs) * (1 + 0.12 * machines(timeMs))
      const powerDeciW = Math.round(10 * peakW * share)
      const power = powerDeciW / 10
      const powerFactor = roundTo(0.93 + 0.03 * wiring(timeMs), 3)
      const apparent = power / powerFactor
      const [l1 = 0, l2 = 0, l3 = 0] = unrest.map((wander) =>
        roundTo(221 - 2.5 * share + 3 * grid(timeMs) + 0.8 * wander(timeMs), 1),
      )
      // Each phase carries its part of the apparent power; the parts add up to the whole.
      const weights = unrest.map((wander) => 1 + 0.05 * wander(timeMs + 7_000_000))
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      const [i1 = 0, i2 = 0, i3 = 0] = [l1, l2, l3].map((volt, phase) =>
        roundTo((apparent * ((weights[phase] ?? 1) / total)) / volt, 2),
      )
      return {
        voltage_l1: l1,
        voltage_l2: l2,
        voltage_l3: l3,
        voltage_l12: lineToLine(l1, l2),
        voltage_l23: lineToLine(l2, l3),
        voltage_l31: lineToLine(l3, l1),
        current_l1: i1,
        current_l2: i2,
        current_l3: i3,
        power,
        reactive_power: roundTo(Math.sqrt(Math.max(0, apparent ** 2 - power ** 2)), 1),
        apparent_power: roundTo(apparent, 1),
        energy: register.advance(Math.max(timeMs, startMs), powerDeciW),
        energy_export: exportKwh,
        power_factor: powerFactor,
        frequency: roundTo(50 + 0.04 * network(timeMs), 3),
      }
    },
  }
}

/** Between two phases 120° apart: the law of cosines. */
function lineToLine(a: number, b: number): number {
  return roundTo(Math.sqrt(a * a + b * b + a * b), 1)
}
