import type { Evidence, ResolveReason, RuleRecord, Severity, TransitionKind } from '../model/index.ts'
import type { EngineClock } from './engine-clock.ts'
import type { LastSeen } from './last-seen.ts'
import type { OpenAlert, OpenAlerts, Subject } from './open-alerts.ts'
import type { Timers } from './timers.ts'
import { inactive, muted, type Phase } from './transition.ts'

/** What everything that is watched shares. */
export interface Surroundings {
  readonly clock: EngineClock
  readonly timers: Timers
  readonly lastSeen: LastSeen
  readonly alerts: OpenAlerts
}

/** Where a rule stands with a subject, and the alert that it raised. */
export interface Standing {
  phase: Phase
  /** While pending or firing. */
  alert: OpenAlert | undefined
}

/** One rule about one subject at one moment: what a step of an alert is told with. */
export interface Case {
  readonly alerts: OpenAlerts
  readonly rule: RuleRecord
  readonly subject: Subject
  /** On the subject's clock. */
  readonly timeMs: number
  /** The reading's; null for no data. */
  readonly value: number | null
  readonly evidence: (severity: Severity) => Evidence
}

export interface Told {
  readonly kind: TransitionKind
  readonly severity: Severity
  readonly reason?: ResolveReason
}

/** One more step of the standing's alert, which begins with it if there is none. */
export function tell(standing: Standing, told: Told, { alerts, rule, subject, timeMs, value, evidence }: Case): void {
  standing.alert ??= alerts.begin(subject, rule, timeMs)
  alerts.step(standing.alert, subject, rule, { ...told, timeMs, value, evidence: evidence(told.severity) })
}

export function enter(standing: Standing, phase: Phase): void {
  standing.phase = phase
  if (phase.kind === 'inactive' || phase.kind === 'muted') standing.alert = undefined
}

/**
 * It ends for a reason that is not its condition. One that was pending never became an alert: it is inactive, unless
 * somebody resolved it.
 */
export function end(standing: Standing, reason: ResolveReason, its: Case): void {
  const { phase } = standing
  if (phase.kind === 'pending' || phase.kind === 'firing') {
    const kind = phase.kind === 'pending' && reason !== 'by_hand' ? 'inactive' : 'resolved'
    tell(standing, { kind, severity: phase.severity, reason }, its)
  }
  enter(standing, reason === 'by_hand' ? muted : inactive)
}
