import type { Metric, ProfileRecord } from '../../model/index.ts'

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

/**
 * The rules of one version of a profile. All its devices share them, so that what every reading is judged by lies in
 * the processor's cache, however many devices there are.
 */
export class ProfileRules {
  readonly #known: ReadonlyMap<string, MetricRule>
  readonly #discovered: MetricRule

  /** Without a profile every metric is a discovered one. */
  constructor(profile: ProfileRecord | undefined, settings: RuleSettings) {
    const intervalMs = profile?.reportingIntervalMs ?? Number.POSITIVE_INFINITY
    const gapMs = intervalsHeld * intervalMs
    const metrics = profile?.metrics ?? []
    this.#known = new Map(metrics.map((metric) => [metric.name, known(metric, intervalMs, gapMs, settings)]))
    this.#discovered = discovered(gapMs)
  }

  of(name: string): MetricRule {
    return this.#known.get(name) ?? this.#discovered
  }
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
