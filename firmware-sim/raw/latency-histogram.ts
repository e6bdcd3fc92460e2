/** Each step is 2 % wider than the one before, from 1 µs on: two hours lie below the last. */
const growth = Math.log(1.02)
const steps = 1_200

/** Durations in a fixed space, percentiles to 2 %. */
export interface LatencyHistogram {
  readonly count: number
  add(durationMs: number): void
  /** The duration that `share` (0 to 1) of all do not exceed; 0 when there are none. */
  percentileMs(share: number): number
}

export function createLatencyHistogram(): LatencyHistogram {
  const counts = new Float64Array(steps)
  let count = 0
  return {
    get count() {
      return count
    },
    add(durationMs) {
      const step = Math.ceil(Math.log(Math.max(1, durationMs * 1_000)) / growth)
      const at = Math.min(steps - 1, step)
      counts[at] = (counts[at] ?? 0) + 1
      count++
    },
    percentileMs(share) {
      if (count === 0) return 0
      let left = Math.max(1, Math.ceil(count * share))
      for (let step = 0; step < steps; step++) {
        left -= counts[step] ?? 0
        if (left <= 0) return Math.exp(step * growth) / 1_000
      }
      return Math.exp((steps - 1) * growth) / 1_000
    },
  }
}
