import { type LoadShape, loadShare } from './day.ts'
import { createWander } from './random.ts'
import { roundTo } from './signal.ts'

/** What draws power at one point: a function of time alone, so that whoever measures it, or a sum of it, sees the same. */
export interface Load {
  readonly peakW: number
  /** Tenths of a watt, as it would be without a fault. */
  naturalDeciW(timeMs: number): number
  /** Tenths of a watt, as it is. */
  powerDeciW(timeMs: number): number
  /** To three decimals. */
  powerFactor(timeMs: number): number
  /** A fault: from now on it draws this much; undefined: as it would. */
  force(powerW: number | undefined): void
}

export interface LoadOptions {
  readonly seed: number
  readonly utcOffsetMs: number
  readonly shape: LoadShape
  /** At the height of its day; appliances come and go up to a fifth beyond it. */
  readonly peakW: number
}

/** Furthest that a load goes beyond its peak. */
export const mostOverPeak = 1.21

export function createLoad({ seed, utcOffsetMs, shape, peakW }: LoadOptions): Load {
  const appliances = createWander(seed + 1, 90_000)
  const flicker = createWander(seed + 2, 4_000)
  const wiring = createWander(seed + 5, 120_000)
  let forcedDeciW: number | undefined

  function naturalDeciW(timeMs: number): number {
    const share = loadShare(shape, timeMs, utcOffsetMs) * (1 + 0.18 * appliances(timeMs) + 0.03 * flicker(timeMs))
    return Math.round(10 * peakW * share)
  }

  return {
    peakW,
    naturalDeciW,
    powerDeciW: (timeMs) => forcedDeciW ?? naturalDeciW(timeMs),
    powerFactor: (timeMs) => roundTo(0.955 + 0.03 * wiring(timeMs), 3),
    force(powerW) {
      forcedDeciW = powerW === undefined ? undefined : Math.round(10 * powerW)
    },
  }
}
