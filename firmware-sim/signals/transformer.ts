import { loadShare } from './day.ts'
import { createWander, hashUnit } from './random.ts'
import { roundTo, type Signal, type SignalOptions } from './signal.ts'

/** How long the oil takes to follow the load. */
const thermalLagMs = 90 * 60_000

/** 20 kV/380 V, loaded to 55–72 % at the day's peak; the oil's warmth follows the load an hour and a half behind. */
export function createTransformer({ seed, utcOffsetMs }: SignalOptions): Signal {
  const peakPercent = 55 + 14 * hashUnit(seed, -1)
  const unrest = createWander(seed + 1, 180_000)
  const grid = createWander(seed + 2, 600_000)
  const air = createWander(seed + 3, 3_600_000)
  const percentAt = (timeMs: number) => peakPercent * loadShare('working', timeMs, utcOffsetMs)
  return {
    sample(timeMs) {
      const load = percentAt(timeMs) * (1 + 0.04 * unrest(timeMs))
      const primary = 20_000 * (1 + 0.012 * grid(timeMs))
      return {
        // Ambient, and a rise with the square of the load: 24 K at 70 %.
        temperature: roundTo(33 + 2 * air(timeMs) + 49 * (percentAt(timeMs - thermalLagMs) / 100) ** 2, 1),
        load: roundTo(load, 1),
        voltage_primary: roundTo(primary, 0),
        // 390 V unloaded, 2 % less at full load.
        voltage_secondary: roundTo((primary / 20_000) * 390 * (1 - 0.02 * (load / 100)), 1),
      }
    },
  }
}
