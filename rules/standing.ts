import type { Evidence, ResolveReason, RuleRecord, Severity } from '../model/index.ts'
import type { EngineClock } from './engine-clock.ts'
import type { OpenAlert, OpenAlerts, Subject } from './open-alerts.ts'
import type { Timers } from './timers.ts'
import { type Findings, inactive, muted, nextStep, type Phase } from './transition.ts'

/** What everything that is watched shares. */
export interface Surroundings {
  readonly clock: EngineClock
  readonly timers: Timers
  readonly alerts: OpenAlerts
}

/** Where a rule stands with a subject, and the alert that it raised. */
export interface Standing {
  phase: Phase
  /** While pending or firing. */
  alert: OpenAlert | undefined
}

/** The reading, if any, and why: what a step of an alert is told with. */
export interface Grounds {
  readonly value: number | null
  evidence(severity: Severity): Evidence
}

/** Who tells what about whom. */
export interface Teller {
  readonly alerts: OpenAlerts
  readonly subject: Subject
  readonly rule: RuleRecord
}

/** One step of the state machine, and whatever of it is to be told. `grounds` are asked after the phase has changed. */
export function stepStanding(standing: Standing, findings: Findings, timeMs: number, teller: Teller, grounds: Grounds) {
  const { phase, told } = nextStep(standing.phase, findings, timeMs, teller.rule.keepFiringForMs)
  if (told !== null) {
    const { alerts, subject, rule } = teller
    standing.alert ??= alerts.begin(subject, rule, timeMs)
    const evidence = grounds.evidence(told.severity)
    alerts.step(standing.alert, subject, rule, { ...told, timeMs, value: grounds.value, evidence })
  }
  standing.phase = phase
  if (phase.kind === 'inactive') standing.alert = undefined
}

/**
 * It ends for a reason that is not its condition. One that was pending never became an alert: it is inactive, unless
 * somebody resolved it.
 */
export function endStanding(
  standing: Standing,
  reason: ResolveReason,
  timeMs: number,
  teller: Teller,
  grounds: Grounds,
) {
  const { phase, alert } = standing
  if (alert !== undefined && (phase.kind === 'pending' || phase.kind === 'firing')) {
    const { alerts, subject, rule } = teller
    const { severity } = phase
    const kind = phase.kind === 'pending' && reason !== 'by_hand' ? 'inactive' : 'resolved'
    const evidence = grounds.evidence(severity)
    alerts.step(alert, subject, rule, { kind, severity, reason, timeMs, value: grounds.value, evidence })
  }
  standing.alert = undefined
  standing.phase = reason === 'by_hand' ? muted : inactive
}
