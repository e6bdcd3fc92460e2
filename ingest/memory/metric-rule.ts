import { findMetric, type Metric, type ProfileRecord } from '../../model/index.ts'

/** What the validation of one metric needs, worked out once from the profile. Infinity: never. */
export interface MetricRule {
  /** Whether the profile knows it; the others are discovered metrics, about which nothing is known. */
  readonly known: boolean
  readonly register: boolean
  readonly min: number
  readonly max: number
  readonly maxRatePerS: number
  /** Readings of one and the same value, and the time they span, from which on a gauge counts as stuck. */
  readonly stuckAfterReadings: number
  readonly stuckAfterMs: number
  /** Silence longer than this is a gap. */
  readonly gapMs: number
}

/** A value holds for three reporting intervals (architecture 9); what comes later comes after a gap. */
const intervalsHeld = 3

export interface RuleSettings {
  readonly stuckIntervals: number
}

export function metricRule(profile: ProfileRecord | undefined, name: string, settings: RuleSettings): MetricRule {
  const intervalMs = profile?.reportingIntervalMs ?? Number.POSITIVE_INFINITY
  const metric = profile === undefined ? undefined : findMetric(profile, name)
  const gapMs = intervalsHeld * intervalMs
  return metric === undefined ? discovered(gapMs) : known(metric, intervalMs, gapMs, settings)
}

function discovered(gapMs: number): MetricRule {
  const never = Number.POSITIVE_INFINITY
  return {
    known: false,
    register: false,
    min: -never,
    max: never,
    maxRatePerS: never,
    stuckAfterReadings: never,
    stuckAfterMs: never,
    gapMs,
  }
}

function known(metric: Metric, intervalMs: number, gapMs: number, settings: RuleSettings): MetricRule {
  // A register of a load that is off, and a state, rightly stay the same.
  const mayStick = metric.kind === 'gauge' && settings.stuckIntervals > 0
  return {
    known: true,
    register: metric.kind === 'register',
    min: metric.min,
    max: metric.max,
    maxRatePerS: metric.maxRatePerS ?? Number.POSITIVE_INFINITY,
    stuckAfterReadings: mayStick ? settings.stuckIntervals : Number.POSITIVE_INFINITY,
    stuckAfterMs: settings.stuckIntervals * intervalMs,
    gapMs,
  }
}
