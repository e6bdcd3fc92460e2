import { daySine } from './day.ts'
import { createWander, hashUnit } from './random.ts'
import { roundTo, type Signal, type SignalOptions } from './signal.ts'

/** A mild tropical day: warmest at two in the afternoon, then also driest. Any metric can be forced. */
export function createWeatherStation({ seed, utcOffsetMs }: SignalOptions): Signal {
  const meanCel = 25 + hashUnit(seed, -1)
  const clouds = createWander(seed + 1, 900_000)
  const air = createWander(seed + 2, 6 * 3_600_000)
  const gusts = createWander(seed + 3, 60_000)
  const wind = createWander(seed + 4, 1_800_000)
  return {
    sample(timeMs, forced = {}) {
      const sun = daySine(timeMs, utcOffsetMs, 14)
      return {
        temperature: roundTo(meanCel + 2.4 * sun + 0.7 * clouds(timeMs), 1),
        humidity: roundTo(66 - 8 * sun - 3 * clouds(timeMs), 1),
        pressure: roundTo(1_010 + 3 * air(timeMs), 2),
        wind_speed: roundTo(8 + 4 * wind(timeMs) + 3 * gusts(timeMs), 1),
        ...forced,
      }
    },
  }
}
