import type { DeviceId, MetricName, ProfileId, RuleId, SiteId } from './ids.ts'

/** Ascending. */
export const severities = ['info', 'warning', 'critical'] as const
export type Severity = (typeof severities)[number]

export const comparisons = ['>', '>=', '<', '<='] as const
export type Comparison = (typeof comparisons)[number]

/** Which devices a rule watches: one, all of a profile, or all of a site. */
export type RuleTarget = { readonly device: DeviceId } | { readonly profile: ProfileId } | { readonly site: SiteId }

/** A severity and the value beyond which it holds. */
export interface RuleLevel {
  readonly severity: Severity
  readonly value: number
  /** Hysteresis: once it holds, it holds until the value is back at this side of `clear`; absent: of `value`. */
  readonly clear?: number
}

/** The newest reading of a series against numbers; the severest level that holds is the alert's severity. */
export interface ThresholdCondition {
  readonly metric: MetricName
  readonly op: Comparison
  /** One to three, of different severities; a severer one lies further out. */
  readonly levels: readonly RuleLevel[]
}

/** Silence of a device, in its profile's reporting intervals, on received time; the platform's downtime is not silence. */
export interface NoDataCondition {
  readonly noData: { readonly intervals: number; readonly severity: Severity }
}

export type RuleCondition = ThresholdCondition | NoDataCondition

/** One version of a rule; what control frames `rule/{id}` carry. */
export interface RuleRecord {
  readonly id: RuleId
  readonly name: string
  /** 1, 2, …; a version never changes. */
  readonly version: number
  readonly enabled: boolean
  readonly appliesTo: RuleTarget
  readonly condition: RuleCondition
  /** How long the condition must hold, on the series' clock, before the alert fires. */
  readonly forMs: number
  /** How long a firing alert outlives its condition. */
  readonly keepFiringForMs: number
}

export function isNoData(condition: RuleCondition): condition is NoDataCondition {
  return 'noData' in condition
}
