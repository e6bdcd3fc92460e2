import { createWander } from './random.ts'

/** Volts between a phase and neutral that arrive at a point, before what its own cable costs. A function of time alone. */
export type Supply = (timeMs: number) => number

/** A point of its own, with no transformer of ours before it. */
export function createPublicSupply(seed: number, nominalV: number): Supply {
  const grid = createWander(seed, 600_000)
  return (timeMs) => nominalV + 3 * grid(timeMs)
}
