import type { AlertId, Evidence, ResolveReason, RuleId, Severity } from '../model/index.ts'
import type { NoDataRule } from './compile.ts'
import type { Subject } from './open-alerts.ts'
import type { WatchedDevice } from './records.ts'
import { type Case, end, enter, type Standing, type Surroundings, tell } from './standing.ts'
import type { Timed } from './timers.ts'
import { inactive, nextStep } from './transition.ts'

/** One moment on both clocks; what lies between two of them beyond engine time is downtime. */
export interface Moment {
  readonly receivedMs: number
  readonly engineMs: number
}

/** A no-data rule is never idle: it waits. */
export interface NoDataStanding extends Standing {
  /** When the rule began to apply to the device. */
  readonly armed: Moment
}

export interface SilenceState {
  /** Undefined: never heard. */
  readonly lastSeen: Moment | undefined
  readonly standings: readonly (NoDataStanding & { readonly ruleId: RuleId })[]
}

interface Waiting extends NoDataStanding {
  rule: NoDataRule
}

const never = Number.POSITIVE_INFINITY

/**
 * All no-data rules of one device. A message only moves the moment from which silence counts; the timer stays where it
 * is and finds out when it is due.
 */
export class SilenceWatch implements Timed, Subject {
  device: WatchedDevice
  readonly deviceNumber: number
  readonly metric = null
  /** Sorts before every series of the device. */
  readonly subject = ''
  dueMs = never
  heapIndex = 0

  readonly #seat: number
  #standings: readonly Waiting[] = []
  readonly #around: Surroundings

  /** `seat`: the device's in `around.lastSeen`. */
  constructor(device: WatchedDevice, seat: number, around: Surroundings) {
    this.device = device
    this.deviceNumber = device.number
    this.#around = around
    this.#seat = seat
  }

  /** The device that was missed is heard. */
  heard(): void {
    for (const standing of this.#standings) this.#step(standing, null)
    this.#settle()
  }

  onDue(nowMs: number): void {
    for (const standing of this.#standings) {
      const due = standing.phase.kind === 'inactive' && nowMs >= this.#dueOf(standing)
      if (due) this.#step(standing, standing.rule.severity)
    }
    this.#settle()
  }

  /** Silence holds from the moment it is due to the next message; null: there is one. */
  #step(standing: Waiting, severity: Severity | null): void {
    const findings = { holding: severity, counting: severity }
    const { phase, told } = nextStep(standing.phase, findings, this.#around.clock.receivedMs, 0)
    if (told !== null) tell(standing, told, this.#case(standing))
    enter(standing, phase)
  }

  #settle(): void {
    let nextMs = never
    // While a rule is firing or muted.
    let missed = false
    for (const standing of this.#standings) {
      if (standing.phase.kind === 'inactive') nextMs = Math.min(nextMs, this.#dueOf(standing))
      else missed = true
    }
    this.#around.lastSeen.setMissed(this.#seat, missed)
    this.#around.timers.set(this, nextMs)
  }

  /** In engine time. */
  #dueOf({ rule, armed }: Waiting): number {
    return Math.max(this.#seen().engineMs, armed.engineMs) + rule.intervals * rule.intervalMs
  }

  /** Other rules, or other versions of them: what stays goes on as it is, what is new waits from now on. */
  follow(device: WatchedDevice, rules: readonly NoDataRule[], whyGone: (id: RuleId) => ResolveReason): void {
    const before = new Map(this.#standings.map((standing) => [standing.rule.record.id, standing]))
    this.#standings = rules.map((rule) => {
      const known = before.get(rule.record.id)
      before.delete(rule.record.id)
      if (known === undefined) return { rule, armed: this.#moment(), phase: inactive, alert: undefined }
      known.rule = rule
      return known
    })
    for (const [id, gone] of before) end(gone, whyGone(id), this.#case(gone))
    this.device = device
    this.#settle()
  }

  resolveByHand(id: AlertId): void {
    for (const standing of this.#standings) {
      if (standing.alert?.id === id) end(standing, 'by_hand', this.#case(standing))
    }
    this.#settle()
  }

  #moment(): Moment {
    const { receivedMs, nowMs } = this.#around.clock
    return { receivedMs, engineMs: nowMs }
  }

  /** Received time NaN: never. */
  #seen(): Moment {
    const { lastSeen } = this.#around
    return { receivedMs: lastSeen.receivedMs(this.#seat), engineMs: lastSeen.engineMs(this.#seat) }
  }

  #case(standing: Waiting): Case {
    return {
      alerts: this.#around.alerts,
      rule: standing.rule.record,
      subject: this,
      timeMs: this.#around.clock.receivedMs,
      value: null,
      evidence: () => this.#evidence(standing),
    }
  }

  #evidence({ rule, armed }: Waiting): Evidence {
    const now = this.#moment()
    const seen = this.#seen()
    const since = seen.engineMs > armed.engineMs ? seen : armed
    return {
      kind: 'no_data',
      lastSeenMs: Number.isNaN(seen.receivedMs) ? null : seen.receivedMs,
      armedMs: armed.receivedMs,
      intervals: rule.intervals,
      intervalMs: rule.intervalMs,
      downtimeMs: now.receivedMs - since.receivedMs - (now.engineMs - since.engineMs),
    }
  }

  state(): SilenceState {
    const seen = this.#seen()
    const standings = this.#standings.map(({ rule, armed, phase, alert }) => {
      return { ruleId: rule.record.id, armed, phase, alert }
    })
    return { lastSeen: Number.isNaN(seen.receivedMs) ? undefined : seen, standings }
  }

  /** Of a fresh one with the rules that applied when the state was taken. */
  restore({ lastSeen, standings }: SilenceState, rules: readonly NoDataRule[]): void {
    if (lastSeen !== undefined) this.#around.lastSeen.note(this.#seat, lastSeen.receivedMs, lastSeen.engineMs)
    this.#standings = rules.flatMap((rule) => {
      const kept = standings.find(({ ruleId }) => ruleId === rule.record.id)
      if (kept === undefined) return []
      if (kept.alert !== undefined) this.#around.alerts.restore(this, kept.alert)
      return [{ rule, armed: kept.armed, phase: kept.phase, alert: kept.alert }]
    })
    this.#settle()
  }
}
