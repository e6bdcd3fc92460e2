/** Chance that a seed decides: the same seed gives the same run. */

/** A number in [0, 1) from a seed and a position (splitmix32); neighbours are unrelated. */
export function hashUnit(seed: number, position: number): number {
  let h = (seed ^ Math.imul(position | 0, 0x9e3779b9)) >>> 0
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad)
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97)
  return ((h ^ (h >>> 15)) >>> 0) / 0x1_0000_0000
}

/** A smooth wander in [-1, 1] over time: unrelated values every `periodMs`, eased between. A function of time alone. */
export function createWander(seed: number, periodMs: number): (timeMs: number) => number {
  return (timeMs) => {
    const position = timeMs / periodMs
    const knot = Math.floor(position)
    const share = position - knot
    const eased = share * share * (3 - 2 * share)
    return 2 * (hashUnit(seed, knot) * (1 - eased) + hashUnit(seed, knot + 1) * eased) - 1
  }
}

/** Unlimited numbers in [0, 1), one after the other. */
export function createRandom(seed: number): () => number {
  let position = 0
  return () => hashUnit(seed, position++)
}
