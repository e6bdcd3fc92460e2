import type { AlertId, MetricName, Quality, ResolveReason, RuleId } from '../model/index.ts'
import type { SeriesPlan, ThresholdRule } from './compile.ts'
import type { Subject } from './open-alerts.ts'
import type { WatchedDevice } from './records.ts'
import { type Case, end, enter, type Surroundings, tell } from './standing.ts'
import { carryOver, findings, judge, onlyCounting } from './threshold.ts'
import {
  dueMs,
  evidenceOf,
  levelsAt,
  newStanding,
  type ThresholdStanding,
  unmuteIfCeased,
} from './threshold-standing.ts'
import type { Timed } from './timers.ts'
import { nextStep } from './transition.ts'

/** What a snapshot keeps of a series in trouble; of a healthy one there is nothing to keep. */
export interface SeriesState {
  /** The reading that was judged last, and when it came. */
  readonly lastMs: number
  readonly lastEngineMs: number
  readonly lastValue: number
  readonly lastQuality: Quality
  readonly standings: readonly (ThresholdStanding & { readonly ruleId: RuleId })[]
}

const never = Number.POSITIVE_INFINITY
const none: readonly undefined[] = []

export interface SeriesWatchOptions {
  readonly device: WatchedDevice
  readonly metric: MetricName
  readonly plan: SeriesPlan
  readonly around: Surroundings
  /** Called when it gets into trouble, and when it is out of it. */
  changed(): void
}

/**
 * All threshold rules of one series. While no level of any of them holds it is healthy, knows nothing of its readings and
 * sees none within the plan's band; in trouble it takes every one.
 *
 * Its clock shows the time of the newest reading and the engine time since that arrived.
 */
export class SeriesWatch implements Timed, Subject {
  device: WatchedDevice
  readonly metric: MetricName
  readonly deviceNumber: number
  dueMs = never
  heapIndex = 0

  #plan: SeriesPlan
  #lastMs = Number.NEGATIVE_INFINITY
  #lastEngineMs = 0
  #lastValue = Number.NaN
  #lastQuality: Quality = 0
  /** Index as in the plan; undefined: inactive; empty: all are. */
  #standings: readonly (ThresholdStanding | undefined)[] = none
  /** When time alone changes something, on the series' clock. */
  #nextMs = never
  readonly #around: Surroundings
  readonly #changed: () => void

  constructor({ device, metric, plan, around, changed }: SeriesWatchOptions) {
    this.device = device
    this.deviceNumber = device.number
    this.metric = metric
    this.#plan = plan
    this.#around = around
    this.#changed = changed
  }

  get subject(): string {
    return this.metric
  }

  /** Whether any rule is not inactive. */
  get troubled(): boolean {
    return this.#standings !== none
  }

  /** A reading that is newer than the last. */
  take(timeMs: number, value: number, quality: Quality): void {
    // Until then the last value held: whatever that made due comes first.
    if (timeMs >= this.#nextMs) this.#passTime(timeMs, Number.NEGATIVE_INFINITY)
    const silent = timeMs > this.#heldUntilMs
    this.#lastMs = timeMs
    this.#lastEngineMs = this.#around.clock.nowMs
    this.#lastValue = value
    this.#lastQuality = quality
    const { rules } = this.#plan
    const standings = new Array<ThresholdStanding | undefined>(rules.length)
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i]
      const standing = this.#standings[i] ?? newStanding()
      if (rule === undefined) continue
      // What a firing alert was waiting for in silence begins anew.
      const known = silent && standing.phase.kind === 'firing' ? onlyCounting(standing.levels) : standing.levels
      standing.levels = judge(rule, known, timeMs, value)
      this.#step(rule, standing, timeMs, 'reading')
      standings[i] = standing
    }
    this.#settle(standings)
  }

  onDue(nowMs: number): void {
    const clockMs = this.#clockMs(nowMs)
    // A fraction of a millisecond may get lost between the two clocks; what was due is due.
    this.#passTime(Math.max(clockMs, this.#nextMs), clockMs)
    this.#settle(this.#standings)
  }

  /** Everything that is due on the series' clock until `untilMs` happens at its time, but not before `fromMs`. */
  #passTime(untilMs: number, fromMs: number): void {
    const heldUntilMs = this.#heldUntilMs
    this.#standings.forEach((standing, i) => {
      const rule = this.#plan.rules[i]
      if (standing === undefined || rule === undefined) return
      for (let due = dueMs(rule, standing, heldUntilMs); due <= untilMs; due = dueMs(rule, standing, heldUntilMs)) {
        const timeMs = Math.max(due, fromMs)
        standing.levels = levelsAt(rule, standing, timeMs, heldUntilMs)
        this.#step(rule, standing, timeMs, 'timer')
      }
    })
  }

  #step(rule: ThresholdRule, standing: ThresholdStanding, timeMs: number, decidedBy: 'reading' | 'timer'): void {
    const { phase, told } = nextStep(standing.phase, findings(standing.levels), timeMs, rule.keepFiringForMs)
    if (told !== null) tell(standing, told, this.#case(rule, standing, timeMs, decidedBy))
    if (phase !== standing.phase) enter(standing, phase)
  }

  /** Healthy again, or not, and when time will do something. */
  #settle(standings: readonly (ThresholdStanding | undefined)[]): void {
    const heldUntilMs = this.#heldUntilMs
    const { rules } = this.#plan
    const before = this.troubled
    let healthy = true
    let nextMs = never
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i]
      const standing = standings[i]
      if (rule === undefined || standing === undefined || standing.phase.kind === 'inactive') continue
      healthy = false
      nextMs = Math.min(nextMs, dueMs(rule, standing, heldUntilMs))
    }
    this.#standings = healthy ? none : standings
    this.#nextMs = nextMs
    this.#around.timers.set(this, nextMs === never ? never : this.#lastEngineMs + (nextMs - this.#lastMs))
    if (this.troubled !== before) this.#changed()
  }

  /** Other rules, or other versions of them: what is known of those that stay is kept and judged by the next reading. */
  follow(device: WatchedDevice, plan: SeriesPlan | undefined, whyGone: (id: RuleId) => ResolveReason): void {
    const before = new Map(this.#plan.rules.map((rule, i) => [rule.record.id, { rule, standing: this.#standings[i] }]))
    const standings = (plan?.rules ?? []).map((rule) => {
      const standing = before.get(rule.record.id)?.standing
      before.delete(rule.record.id)
      if (standing !== undefined) standing.levels = carryOver(rule, standing.levels)
      return standing
    })
    for (const [id, { rule, standing }] of before) {
      if (standing !== undefined) this.#end(rule, standing, whyGone(id))
    }
    this.device = device
    if (plan === undefined) this.#around.timers.set(this, never)
    else {
      this.#plan = plan
      this.#settle(standings)
    }
  }

  resolveByHand(id: AlertId): void {
    this.#standings.forEach((standing, i) => {
      const rule = this.#plan.rules[i]
      if (standing?.alert?.id !== id || rule === undefined) return
      this.#end(rule, standing, 'by_hand')
      unmuteIfCeased(standing)
    })
    this.#settle(this.#standings)
  }

  #end(rule: ThresholdRule, standing: ThresholdStanding, reason: ResolveReason): void {
    const timeMs = this.#clockMs(this.#around.clock.nowMs)
    end(standing, reason, this.#case(rule, standing, timeMs, 'reading'))
  }

  #case(rule: ThresholdRule, standing: ThresholdStanding, timeMs: number, decidedBy: 'reading' | 'timer'): Case {
    const value = this.#lastValue
    const last = { timeMs: this.#lastMs, value, quality: this.#lastQuality }
    return {
      alerts: this.#around.alerts,
      rule: rule.record,
      subject: this,
      timeMs,
      value,
      evidence: (severity) => evidenceOf(rule, standing, last, { severity, timeMs, decidedBy }),
    }
  }

  get #heldUntilMs(): number {
    return this.#lastMs + this.#plan.holdMs
  }

  #clockMs(engineMs: number): number {
    return this.#lastMs + (engineMs - this.#lastEngineMs)
  }

  state(): SeriesState {
    const standings = this.#plan.rules.flatMap(({ record }, i) => {
      const standing = this.#standings[i]
      return standing === undefined || standing.phase.kind === 'inactive' ? [] : [{ ...standing, ruleId: record.id }]
    })
    const [lastMs, lastEngineMs] = [this.#lastMs, this.#lastEngineMs]
    return { lastMs, lastEngineMs, lastValue: this.#lastValue, lastQuality: this.#lastQuality, standings }
  }

  /** Of a fresh one that has the same plan as when the state was taken. */
  restore({ lastMs, lastEngineMs, lastValue, lastQuality, standings: known }: SeriesState): void {
    this.#lastMs = lastMs
    this.#lastEngineMs = lastEngineMs
    this.#lastValue = lastValue
    this.#lastQuality = lastQuality
    const standings = this.#plan.rules.map(({ record }) => {
      const kept = known.find(({ ruleId }) => ruleId === record.id)
      if (kept?.alert !== undefined) this.#around.alerts.restore(this, kept.alert)
      return kept && { phase: kept.phase, alert: kept.alert, levels: kept.levels }
    })
    this.#settle(standings)
  }
}
