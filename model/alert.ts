import type { AlertId, DeviceId, MetricName, RuleId, SiteId } from './ids.ts'
import type { QualityName } from './quality.ts'
import type { Comparison, Severity } from './rule.ts'

/** An alert is one rule firing for one series, or one device; it lives from pending to resolved. */
export const alertStates = ['pending', 'firing', 'resolved'] as const
export type AlertState = (typeof alertStates)[number]

/** Why an alert ended. */
export const resolveReasons = [
  'condition_cleared',
  'by_hand',
  'rule_disabled',
  'rule_removed',
  'device_removed',
  // the rule no longer applies to the device, or no longer watches the metric
  'out_of_scope',
] as const
export type ResolveReason = (typeof resolveReasons)[number]

/** The values, the limits and the clock that made a transition: enough to check it by hand. */
export type Evidence =
  | {
      readonly kind: 'threshold'
      readonly op: Comparison
      /** The limit of the severity that this transition is about, and where it clears. */
      readonly limit: number
      readonly clear: number
      readonly value: number
      readonly unit: string
      readonly quality: QualityName
      /** Time of the reading that decided, on the device's clock. */
      readonly readingTimeMs: number
      /** Since when the condition has held (or, at the end, has not), on the series' clock. */
      readonly sinceMs: number
      readonly forMs: number
      readonly keepFiringForMs: number
      /** Whether a reading or the passing of time decided. */
      readonly decidedBy: 'reading' | 'timer'
    }
  | {
      readonly kind: 'no_data'
      /** Received time of the last message; null: never heard since it was registered at `armedMs`. */
      readonly lastSeenMs: number | null
      readonly armedMs: number
      readonly intervals: number
      readonly intervalMs: number
      /** Time in which the platform itself was down and which does not count. */
      readonly downtimeMs: number
    }

/**
 * - `pending`: the condition holds, `for` has not passed. `inactive`: it ceased before; there is no alert any more.
 * - `firing`: the alert began to fire. `severity`: it went on at another severity.
 * - `resolved`: it ended, with a reason.
 */
export const transitionKinds = ['pending', 'inactive', 'firing', 'severity', 'resolved'] as const
export type TransitionKind = (typeof transitionKinds)[number]

/** One step of one alert. A function of the log: the same log gives the same transitions, byte by byte. */
export interface Transition {
  /** Hash of rule, subject, and the position and time of the alert's first step. */
  readonly alertId: AlertId
  /** 0, 1, … within the alert. */
  readonly ordinal: number
  readonly kind: TransitionKind
  readonly severity: Severity
  /** Of a `resolved`. */
  readonly reason: ResolveReason | null
  readonly ruleId: RuleId
  readonly ruleVersion: number
  readonly ruleName: string
  readonly deviceId: DeviceId
  readonly siteId: SiteId
  /** Null: the subject is the device. */
  readonly metric: MetricName | null
  /** When it happened, on the series' clock; for no data on received time. */
  readonly timeMs: number
  /** The log's clock when it happened. */
  readonly receivedMs: number
  /** The frame that made it happen, or before which a timer did. */
  readonly position: number
  /** The reading's value; null for no data. */
  readonly value: number | null
  readonly evidence: Evidence
}

/** Payload of the control frame `alert/{id}`: someone resolved it by hand. Nothing else of an alert is a control frame. */
export interface AlertOrder {
  readonly resolve: true
}
