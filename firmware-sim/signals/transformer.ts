import { createLoad, type Load, mostOverPeak } from './load.ts'
import { createWander, hashUnit } from './random.ts'
import { roundTo, type Signal, type SignalOptions } from './signal.ts'
import type { Supply } from './supply.ts'

/** How long the oil takes to follow the load. */
const thermalLagMs = 90 * 60_000
/** What its loads take at most without a fault, in percent of its rating; and the power factor that is reckoned with. */
const planned = { mostPercent: 77, powerFactor: 0.925 }

/** A transformer and what hangs on it. */
export interface TransformerPoint {
  readonly loads: readonly Load[]
}

/** Both sides of one: what its meter says, and what it feeds. */
export interface Transformer extends Signal {
  /** A phase of its secondary side. */
  readonly supply: Supply
}

/** 20 kV/400 V, made for its loads; the oil's warmth follows them an hour and a half behind. Any metric can be forced. */
export function createTransformer(options: SignalOptions, point: TransformerPoint = standalone(options)): Transformer {
  const { seed } = options
  const { loads } = point
  const peakW = loads.reduce((sum, load) => sum + load.peakW, 0)
  const ratingVa = (peakW * mostOverPeak) / planned.powerFactor / (planned.mostPercent / 100)
  const grid = createWander(seed + 2, 600_000)
  const air = createWander(seed + 3, 3_600_000)

  function percentOf(timeMs: number, powerDeciW: (load: Load) => number): number {
    return (100 * loads.reduce((sum, load) => sum + powerDeciW(load) / 10 / load.powerFactor(timeMs), 0)) / ratingVa
  }
  const naturalPercent = (timeMs: number) => percentOf(timeMs, (load) => load.naturalDeciW(timeMs))
  const primaryV = (timeMs: number) => 20_000 * (1 + 0.012 * grid(timeMs))
  // 400 V unloaded, 2 % less at full load.
  const secondaryV = (timeMs: number) => (primaryV(timeMs) / 20_000) * 400 * (1 - 0.0002 * naturalPercent(timeMs))

  return {
    supply: (timeMs) => secondaryV(timeMs) / Math.sqrt(3),
    sample: (timeMs, forced = {}) => ({
      // Ambient, and a rise with the square of the load: 24 K at 70 %.
      temperature: roundTo(33 + 2 * air(timeMs) + 49 * (naturalPercent(timeMs - thermalLagMs) / 100) ** 2, 1),
      load: roundTo(
        percentOf(timeMs, (load) => load.powerDeciW(timeMs)),
        1,
      ),
      voltage_primary: roundTo(primaryV(timeMs), 0),
      voltage_secondary: roundTo(secondaryV(timeMs), 1),
      ...forced,
    }),
  }
}

/** Half a dozen workshops. */
function standalone({ seed, utcOffsetMs }: SignalOptions): TransformerPoint {
  const loads = Array.from({ length: 6 }, (_, i) => {
    const peakW = 20_000 + 40_000 * hashUnit(seed, -1 - i)
    return createLoad({ seed: seed + 100 * (i + 1), utcOffsetMs, shape: 'working', peakW })
  })
  return { loads }
}
