import { createHash } from 'node:crypto'
import {
  type AlertId,
  type Evidence,
  type MetricName,
  parseAlertId,
  type ResolveReason,
  type RuleRecord,
  type Severity,
  type Transition,
  type TransitionKind,
} from '../model/index.ts'
import type { EngineClock } from './engine-clock.ts'
import type { WatchedDevice } from './records.ts'

/** What alerts are about, and what somebody who resolves one by hand speaks to. */
export interface Subject {
  readonly device: WatchedDevice
  /** Null: the device itself. */
  readonly metric: MetricName | null
  resolveByHand(id: AlertId): void
}

/** An alert that has begun and not ended. */
export interface OpenAlert {
  readonly id: AlertId
  /** Steps so far. */
  steps: number
  /** Time of its newest step: a series' clock may go back, an alert's story does not. */
  lastMs: number
}

export interface Happening {
  readonly kind: TransitionKind
  readonly severity: Severity
  readonly reason?: ResolveReason
  /** On the subject's clock. */
  readonly timeMs: number
  readonly value: number | null
  readonly evidence: Evidence
}

/** All alerts that are open, and what becomes of them, step by step. */
export class OpenAlerts {
  readonly #subjects = new Map<AlertId, Subject>()
  readonly #clock: EngineClock
  readonly #record: (transition: Transition) => void

  constructor(clock: EngineClock, record: (transition: Transition) => void) {
    this.#clock = clock
    this.#record = record
  }

  /** The alert that begins with the next step; `timeMs` is that step's. */
  begin(subject: Subject, rule: RuleRecord, timeMs: number): OpenAlert {
    const key = JSON.stringify([rule.id, subject.device.id, subject.metric, this.#clock.position, timeMs])
    const id = parseAlertId(createHash('sha256').update(key).digest('hex').slice(0, 26))
    return this.restore(subject, { id, steps: 0, lastMs: Number.NEGATIVE_INFINITY })
  }

  /** One that was open when a snapshot was made. */
  restore(subject: Subject, alert: OpenAlert): OpenAlert {
    this.#subjects.set(alert.id, subject)
    return alert
  }

  step(alert: OpenAlert, subject: Subject, rule: RuleRecord, happening: Happening): void {
    const { kind, severity, reason = null, value, evidence } = happening
    const timeMs = Math.max(happening.timeMs, alert.lastMs)
    this.#record({
      alertId: alert.id,
      ordinal: alert.steps,
      kind,
      severity,
      reason: kind === 'resolved' ? (reason ?? 'condition_cleared') : null,
      ruleId: rule.id,
      ruleVersion: rule.version,
      ruleName: rule.name,
      deviceId: subject.device.id,
      siteId: subject.device.siteId,
      metric: subject.metric,
      timeMs,
      receivedMs: this.#clock.receivedMs,
      position: this.#clock.position,
      value,
      evidence,
    })
    alert.steps++
    alert.lastMs = timeMs
    if (kind === 'resolved' || kind === 'inactive') this.#subjects.delete(alert.id)
  }

  /** Undefined: it is not open, or never was. */
  subjectOf(id: AlertId): Subject | undefined {
    return this.#subjects.get(id)
  }
}
