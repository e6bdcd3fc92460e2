import { type Quality, quality } from '../model/index.ts'
import type { MetricRule } from './memory/metric-rule.ts'
import { cell, cellsPerSeries } from './memory/series-cells.ts'

/** Bits of a verdict. `late`: older than the newest of its series. `clockAhead`: under a time that is not the device's. */
export const verdict = { suspect: 1, duplicate: 2, gap: 4, late: 8, clockAhead: 16 } as const

/** What says nothing of how things are now: rules do not see it. */
export const notJudged = verdict.duplicate | verdict.late | verdict.clockAhead

export function qualityOf(bits: number): Quality {
  return (bits & verdict.suspect) === 0 ? quality.good : quality.suspect
}

/** Devices round and their clocks are coarse: a step within a second is judged as if a second had passed. */
const leastRateSpanMs = 1000

/**
 * Judges one reading by what is remembered of its series, and remembers it. Validation marks, never deletes:
 * - outside the metric's range: suspect;
 * - faster than its maximum rate since the last believable reading (so that one spike does not condemn the good value
 *   after it, and a real step is believed again once it has had the time): suspect;
 * - a known gauge that repeats one value other than zero for `stuckIntervals` readings and intervals: suspect;
 * - a register that goes down: suspect; whether it rolled over, was reset or replaced is for metering to find out;
 * - a gap is counted, and says nothing against the reading that ends it.
 * What is not newer than the newest has no neighbours here and is judged by its range alone; the same value at the same
 * time keeps the quality that it had. `timeBits`: what its time says against it.
 *
 * Numbers instead of an object, here and below: this runs for every value of every message.
 */
export function judge(
  cells: Float64Array,
  slot: number,
  rule: MetricRule,
  timeMs: number,
  value: number,
  timeBits: number,
): number {
  const at = slot * cellsPerSeries
  let bits = value < rule.min || value > rule.max ? verdict.suspect | timeBits : timeBits
  const lastMs = cells[at + cell.lastTimeMs] ?? Number.NEGATIVE_INFINITY
  if (timeMs < lastMs) return bits | verdict.late
  if (timeMs === lastMs) return judgeAgain(cells, at, timeMs, value, bits)

  const lastValue = cells[at + cell.lastValue] ?? 0
  if (timeMs - lastMs > rule.gapMs && lastMs !== Number.NEGATIVE_INFINITY) {
    bits |= verdict.gap
    cells[at + cell.gaps] = (cells[at + cell.gaps] ?? 0) + 1
  }
  bits |= stuck(cells, at, rule, timeMs, value, lastValue) | step(cells, at, rule, timeMs, value, lastValue)
  if (rule.register || (bits & verdict.suspect) === 0) {
    cells[at + cell.fromTimeMs] = timeMs
    cells[at + cell.fromValue] = value
  }
  cells[at + cell.lastTimeMs] = timeMs
  cells[at + cell.lastValue] = value
  cells[at + cell.lastQuality] = qualityOf(bits)
  return bits
}

/** The newest reading once more: the last write wins. */
function judgeAgain(cells: Float64Array, at: number, timeMs: number, value: number, bits: number): number {
  if (value === cells[at + cell.lastValue])
    return verdict.duplicate | (cells[at + cell.lastQuality] === quality.suspect ? verdict.suspect : 0)
  cells[at + cell.lastValue] = value
  cells[at + cell.lastQuality] = qualityOf(bits)
  cells[at + cell.sameSinceMs] = timeMs
  cells[at + cell.sameCount] = 1
  if (cells[at + cell.fromTimeMs] === timeMs) cells[at + cell.fromValue] = value
  return bits | verdict.duplicate
}

function stuck(
  cells: Float64Array,
  at: number,
  rule: MetricRule,
  timeMs: number,
  value: number,
  lastValue: number,
): number {
  const sinceMs = cells[at + cell.sameSinceMs] ?? 0
  if (value !== lastValue || sinceMs === Number.NEGATIVE_INFINITY) {
    cells[at + cell.sameSinceMs] = timeMs
    cells[at + cell.sameCount] = 1
    return 0
  }
  const count = (cells[at + cell.sameCount] ?? 0) + 1
  cells[at + cell.sameCount] = count
  const tooOften = count > rule.stuckAfterReadings && timeMs - sinceMs >= rule.stuckAfterMs
  return tooOften && value !== 0 ? verdict.suspect : 0
}

function step(
  cells: Float64Array,
  at: number,
  rule: MetricRule,
  timeMs: number,
  value: number,
  lastValue: number,
): number {
  const fromMs = cells[at + cell.fromTimeMs] ?? Number.NEGATIVE_INFINITY
  if (fromMs === Number.NEGATIVE_INFINITY) return 0
  if (rule.register && value < lastValue) return verdict.suspect
  if (rule.maxRatePerS === Number.POSITIVE_INFINITY) return 0
  const spanS = Math.max(timeMs - fromMs, leastRateSpanMs) / 1000
  const change = Math.abs(value - (cells[at + cell.fromValue] ?? 0))
  return change > rule.maxRatePerS * spanS ? verdict.suspect : 0
}
