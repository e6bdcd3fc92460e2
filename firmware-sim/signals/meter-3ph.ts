import { createEnergyRegister } from './energy-register.ts'
import { createLoad, type Load } from './load.ts'
import { createWander, hashUnit } from './random.ts'
import { roundTo, type Signal, type SignalOptions } from './signal.ts'
import { createPublicSupply, type Supply } from './supply.ts'

/** Where a three-phase meter sits: what hangs behind it, each load on one phase in turn, and what feeds it. */
export interface Meter3phPoint {
  readonly loads: readonly Load[]
  readonly supply: Supply
}

const phases = [0, 1, 2] as const

/** A panel on 220/380 V: exactly the sum of its loads. Its phase voltages can be forced. */
export function createMeter3ph(options: SignalOptions, point: Meter3phPoint = standalone(options)): Signal {
  const { seed, startMs } = options
  const { loads, supply } = point
  const register = createEnergyRegister(Math.floor(1e8 * (1 + hashUnit(seed, -2))))
  // Nothing here generates, so the export register stands still, wherever it once got to.
  const exportKwh = Math.floor(1e6 * hashUnit(seed, -3)) / 1000
  const network = createWander(seed + 3, 30_000)
  const unrest = phases.map((phase) => createWander(seed + 5 + phase, 45_000))
  const peakW = loads.reduce((sum, load) => sum + load.peakW, 0)

  /** Volt-amperes of one phase: of every third load. */
  function apparentOf(phase: number, timeMs: number): number {
    let sum = 0
    for (let i = phase; i < loads.length; i += phases.length) {
      const load = loads[i]
      if (load !== undefined) sum += load.powerDeciW(timeMs) / 10 / load.powerFactor(timeMs)
    }
    return sum
  }

  return {
    sample(timeMs, forced = {}) {
      const powerDeciW = loads.reduce((sum, load) => sum + load.powerDeciW(timeMs), 0)
      const power = powerDeciW / 10
      const drop = (2.5 * loads.reduce((sum, load) => sum + load.naturalDeciW(timeMs), 0)) / 10 / peakW
      const [l1 = 0, l2 = 0, l3 = 0] = unrest.map(
        (wander, phase) => forced[`voltage_l${phase + 1}`] ?? roundTo(supply(timeMs) - drop + 0.8 * wander(timeMs), 1),
      )
      const parts = phases.map((phase) => apparentOf(phase, timeMs))
      const apparent = parts.reduce((sum, part) => sum + part, 0)
      const [i1 = 0, i2 = 0, i3 = 0] = [l1, l2, l3].map((volt, phase) => roundTo((parts[phase] ?? 0) / volt, 2))
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
        power_factor: roundTo(apparent > 0 ? power / apparent : 1, 3),
        frequency: roundTo(50 + 0.04 * network(timeMs), 3),
      }
    },
  }
}

/** Between two phases 120° apart: the law of cosines. */
function lineToLine(a: number, b: number): number {
  return roundTo(Math.sqrt(a * a + b * b + a * b), 1)
}

/** A workshop with a peak between 12 and 30 kW, its phases loaded within a few percent of each other. */
function standalone({ seed, utcOffsetMs }: SignalOptions): Meter3phPoint {
  const peakW = 12_000 + 16_000 * hashUnit(seed, -1)
  const loads = phases.map((phase) => {
    const share = (1 + 0.05 * (2 * hashUnit(seed, -4 - phase) - 1)) / phases.length
    return createLoad({ seed: seed + 10 * (phase + 1), utcOffsetMs, shape: 'working', peakW: peakW * share })
  })
  return { loads, supply: createPublicSupply(seed + 2, 221) }
}
