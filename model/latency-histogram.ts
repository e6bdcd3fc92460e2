/** Each step is 2 % wider than the one before, from 1 µs on: two hours lie below the last. */
const growth = Math.log(1.02)
const steps = 1_200

/** How many durations fell on a step; steps without any are left out. */
export type StepCounts = readonly (readonly [step: number, count: number])[]

/** Durations in a fixed space, percentiles to 2 %. */
export interface LatencyHistogram {
  readonly count: number
  add(durationMs: number): void
  /** The duration that `share` (0 to 1) of all do not exceed; 0 when there are none. */
  percentileMs(share: number): number
  /** How many took longer than `limitMs`, to the step. */
  countAbove(limitMs: number): number
  /** What it holds, to be kept or to be added to another; ascending. */
  steps(): StepCounts
  addSteps(counts: StepCounts): void
}

export function createLatencyHistogram(): LatencyHistogram {
  const counts = new Float64Array(steps)
  let count = 0

  function addAt(step: number, times: number): void {
    const at = Math.max(0, Math.min(steps - 1, step))
    counts[at] = (counts[at] ?? 0) + times
    count += times
  }

  return {
    get count() {
      return count
    },
    add: (durationMs) => addAt(stepOf(durationMs), 1),
    percentileMs(share) {
      if (count === 0) return 0
      let left = Math.max(1, Math.ceil(count * share))
      for (let step = 0; step < steps; step++) {
        left -= counts[step] ?? 0
        if (left <= 0) return Math.exp(step * growth) / 1_000
      }
      return Math.exp((steps - 1) * growth) / 1_000
    },
    countAbove(limitMs) {
      let above = 0
      for (let step = stepOf(limitMs) + 1; step < steps; step++) above += counts[step] ?? 0
      return above
    },
    steps: () => [...counts.entries()].filter(([, times]) => times > 0),
    addSteps(kept) {
      for (const [step, times] of kept) addAt(step, times)
    },
  }
}

function stepOf(durationMs: number): number {
  return Math.ceil(Math.log(Math.max(1, durationMs * 1_000)) / growth)
}
