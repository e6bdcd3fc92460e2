import { type Evidence, type Quality, qualityNames, type Severity, severities } from '../model/index.ts'
import type { ThresholdRule } from './compile.ts'
import { enter, type Standing } from './standing.ts'
import { count, countAtMs, findings, type LevelStates, noLevels } from './threshold.ts'
import { inactive } from './transition.ts'

/** Where a threshold rule stands with a series. */
export interface ThresholdStanding extends Standing {
  levels: LevelStates
}

/** The reading that was judged last. */
export interface LastReading {
  readonly timeMs: number
  readonly value: number
  readonly quality: Quality
}

export function newStanding(): ThresholdStanding {
  return { phase: inactive, alert: undefined, levels: noLevels }
}

/** When time alone changes something, on the series' clock; Infinity: never. */
export function dueMs(rule: ThresholdRule, { phase, levels }: ThresholdStanding, heldUntilMs: number): number {
  switch (phase.kind) {
    case 'pending':
      // The first millisecond in which the value does not hold any more.
      return Math.min(countAtMs(rule, levels, heldUntilMs), heldUntilMs + 1)
    case 'firing':
      if (phase.clearSinceMs !== null) return phase.clearSinceMs + rule.keepFiringForMs
      return countAtMs(rule, levels, heldUntilMs)
    case 'inactive':
    case 'muted':
      return Number.POSITIVE_INFINITY
    default:
      return phase satisfies never
  }
}

/**
 * The levels once it is `timeMs`: those whose `for` has passed count. What was pending when the value ceased to hold is
 * over; a firing alert stays as it is, for silence is another rule's business.
 */
export function levelsAt(
  rule: ThresholdRule,
  standing: ThresholdStanding,
  timeMs: number,
  heldUntilMs: number,
): LevelStates {
  const levels = count(rule, standing.levels, timeMs, heldUntilMs)
  const over = standing.phase.kind === 'pending' && timeMs > heldUntilMs && findings(levels).counting === null
  return over ? noLevels : levels
}

/** After somebody resolved it: where the condition has ceased already there is nothing to wait for. */
export function unmuteIfCeased(standing: ThresholdStanding): void {
  if (findings(standing.levels).holding === null) enter(standing, inactive)
}

/** Of a step to `severity` at `timeMs`, as long as the standing is what it was before the step. */
export function evidenceOf(
  rule: ThresholdRule,
  { phase, levels }: ThresholdStanding,
  last: LastReading,
  step: { readonly severity: Severity; readonly timeMs: number; readonly decidedBy: 'reading' | 'timer' },
): Evidence {
  // A version that no longer has the severity is spoken for by its mildest level.
  const level = rule.levels.find(({ severity }) => severity === step.severity) ?? rule.levels[0]
  const clearSinceMs = phase.kind === 'firing' ? phase.clearSinceMs : null
  return {
    kind: 'threshold',
    op: rule.op,
    limit: level?.value ?? Number.NaN,
    clear: level?.clear ?? Number.NaN,
    value: last.value,
    unit: rule.unit,
    quality: qualityNames[last.quality],
    readingTimeMs: last.timeMs,
    sinceMs: levels[severities.indexOf(step.severity)]?.sinceMs ?? clearSinceMs ?? step.timeMs,
    forMs: rule.forMs,
    keepFiringForMs: rule.keepFiringForMs,
    decidedBy: step.decidedBy,
  }
}
