import { createEnergyRegister } from './energy-register.ts'
import { createLoad, type Load } from './load.ts'
import { createWander, hashUnit } from './random.ts'
import { roundTo, type Signal, type SignalOptions } from './signal.ts'
import { createPublicSupply, type Supply } from './supply.ts'

/** Where a single-phase meter sits. */
export interface Meter1phPoint {
  readonly load: Load
  readonly supply: Supply
}

/** A household or a shop on one phase of 230 V, peak between 2.5 and 8 kW; `current` and `voltage` can be forced. */
export function createMeter1ph(options: SignalOptions, point: Meter1phPoint = standalone(options)): Signal {
  const { seed, startMs } = options
  const { load, supply } = point
  const register = createEnergyRegister(Math.floor(1e7 * (1 + hashUnit(seed, -2))))
  const flicker = createWander(seed + 2, 4_000)
  const network = createWander(seed + 4, 30_000)
  return {
    sample(timeMs, forced = {}) {
      const powerFactor = load.powerFactor(timeMs)
      // More load, less voltage: the cable's drop, 3 V at the peak.
      const drop = (3 * load.naturalDeciW(timeMs)) / 10 / load.peakW
      const voltage = forced['voltage'] ?? roundTo(supply(timeMs) - drop + 0.4 * flicker(timeMs), 1)
      const current = forced['current']
      // What is forced here is drawn through everything above: panel and transformer see it too.
      load.force(current === undefined ? undefined : current * voltage * powerFactor)
      const powerDeciW = load.powerDeciW(timeMs)
      const power = powerDeciW / 10
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

export function createHousehold({ seed, utcOffsetMs }: SignalOptions): Load {
  const peakW = 2_500 + 5_500 * hashUnit(seed, -1)
  return createLoad({ seed, utcOffsetMs, shape: hashUnit(seed, -3) < 0.7 ? 'evening' : 'working', peakW })
}

function standalone(options: SignalOptions): Meter1phPoint {
  return { load: createHousehold(options), supply: createPublicSupply(options.seed + 3, 231) }
}
