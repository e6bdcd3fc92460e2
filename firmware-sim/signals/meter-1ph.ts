import { loadShare } from './day.ts'
import { createEnergyRegister } from './energy-register.ts'
import { createWander, hashUnit } from './random.ts'
import { roundTo, type Signal, type SignalOptions } from './signal.ts'

/** A household or a shop on one phase of 230 V, peak between 2.5 and 8 kW. */
export function createMeter1ph({ seed, startMs, utcOffsetMs }: SignalOptions): Signal {
  const peakW = 2_500 + 5_500 * hashUnit(seed, -1)
  const register = createEnergyRegister(Math.floor(1e7 * (1 + hashUnit(seed, -2))))
  const shape = hashUnit(seed, -3) < 0.7 ? 'evening' : 'working'
  const appliances = createWander(seed + 1, 90_000)
  const flicker = createWander(seed + 2, 4_000)
  const grid = createWander(seed + 3, 600_000)
  const network = createWander(seed + 4, 30_000)
  const wiring = createWander(seed + 5, 120_000)
  return {
    sample(timeMs) {
      const share = loadShare(shape, timeMs, utcOffsetMs) * (1 + 0.18 * appliances(timeMs) + 0.03 * flicker(timeMs))
      const powerDeciW = Math.round(10 * peakW * share)
      const power = powerDeciW / 10
      const powerFactor = roundTo(0.955 + 0.03 * wiring(timeMs), 3)
      // More load, less voltage: the cable's drop, 3 V at the peak.
      const voltage = roundTo(231 - 3 * share + 3.5 * grid(timeMs) + 0.4 * flicker(timeMs), 1)
      return {
        voltage,
        current: roundTo(power / (voltage * powerFactor), 3),
        power,
        energy: register.advance(Math.max(timeMs, startMs), powerDeciW),
        power_factor: powerFactor,
        frequency: roundTo(50 + 0.04 * network(timeMs), 3),
      }
    },
  }
}
