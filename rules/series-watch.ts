import {
  type AlertId,
  type Evidence,
  type MetricName,
  type Quality,
  qualityNames,
  type ResolveReason,
  type RuleId,
  type Severity,
  severities,
} from '../model/index.ts'
import type { SeriesPlan, ThresholdRule } from './compile.ts'
import type { Subject } from './open-alerts.ts'
import type { WatchedDevice } from './records.ts'
import { endStanding, type Grounds, type Standing, type Surroundings, stepStanding, type Teller } from './standing.ts'
import { carryOver, count, countAtMs, findings, judge, type LevelStates, noLevels, onlyCounting } from './threshold.ts'
import type { Timed } from './timers.ts'
import { inactive } from './transition.ts'

/** A threshold rule that is not inactive. */
export interface ThresholdStanding extends Standing {
  levels: LevelStates
}

/** What a snapshot keeps of a series: its newest time, and unless it is healthy what the rules have seen. */
export interface SeriesState {
  readonly lastMs: number
  readonly troubled: TroubledState | undefined
}

export interface TroubledState {
  readonly lastEngineMs: number
  readonly lastValue: number
  readonly lastQuality: Quality
  readonly standings: readonly (ThresholdStanding & { readonly ruleId: RuleId })[]
}

const none: readonly (ThresholdStanding | undefined)[] = []
const never = Number.POSITIVE_INFINITY

/**
 * All threshold rules of one series. While no level of any of them holds, a reading costs two comparisons; the rest
 * happens to those in trouble only.
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
  // The band in which a reading changes nothing; empty while a rule is not inactive.
  #safeMin: number
  #safeMax: number
  #lastMs = Number.NEGATIVE_INFINITY
  // Written only by readings that are judged: nobody asks for them while the series is healthy.
  #lastEngineMs = 0
  #lastValue = Number.NaN
  #lastQuality: Quality = 0
  /** Index as in the plan; empty while all are inactive. */
  #standings = none
  readonly #around: Surroundings

  constructor(device: WatchedDevice, metric: MetricName, plan: SeriesPlan, around: Surroundings) {
    this.device = device
    this.deviceNumber = device.number
    this.metric = metric
    this.#plan = plan
    this.#safeMin = plan.safeMin
    this.#safeMax = plan.safeMax
    this.#around = around
  }

  get subject(): string {
    return this.metric
  }

  /** Hot: once for every reading. One that is not newer than the last changes nothing. */
  take(timeMs: number, value: number, quality: Quality): void {
    if (value >= this.#safeMin && value <= this.#safeMax) {
      if (timeMs > this.#lastMs) this.#lastMs = timeMs
    } else if (timeMs > this.#lastMs) this.#judge(timeMs, value, quality)
  }

  #judge(timeMs: number, value: number, quality: Quality): void {
    // Until then the last value held: whatever that made due comes first.
    this.#passTime(timeMs, Number.NEGATIVE_INFINITY)
    const silent = timeMs > this.#heldUntilMs
    this.#lastMs = timeMs
    this.#lastEngineMs = this.#around.clock.nowMs
    this.#lastValue = value
    this.#lastQuality = quality
    const standings = this.#plan.rules.map((rule, i) => {
      const standing = this.#standings[i] ?? { phase: inactive, alert: undefined, levels: noLevels }
      const known = silent && standing.phase.kind === 'firing' ? onlyCounting(standing.levels) : standing.levels
      standing.levels = judge(rule, known, timeMs, value)
      this.#step(rule, standing, timeMs, 'reading')
      return standing
    })
    this.#settle(standings)
  }

  onDue(nowMs: number): void {
    const clockMs = this.#clockMs(nowMs)
    // A fraction of a millisecond may get lost between the two clocks; what was due is due.
    this.#passTime(Math.max(clockMs, this.#nextMs()), clockMs)
    this.#settle(this.#standings)
  }

  /** Everything that is due on the series' clock until `untilMs`, at its time, but not before `fromMs`. */
  #passTime(untilMs: number, fromMs: number): void {
    this.#standings.forEach((standing, i) => {
      const rule = this.#plan.rules[i]
      if (standing === undefined || rule === undefined) return
      for (let dueMs = this.#dueOf(rule, standing); dueMs <= untilMs; dueMs = this.#dueOf(rule, standing)) {
        const timeMs = Math.max(dueMs, fromMs)
        standing.levels = count(rule, standing.levels, timeMs, this.#heldUntilMs)
        const waits = standing.phase.kind === 'pending' && findings(standing.levels).counting === null
        if (waits && timeMs > this.#heldUntilMs) standing.levels = noLevels
        this.#step(rule, standing, timeMs, 'timer')
      }
    })
  }

  /** When time alone changes something, on the series' clock. */
  #dueOf(rule: ThresholdRule, { phase, levels }: ThresholdStanding): number {
    switch (phase.kind) {
      case 'pending':
        // The first millisecond in which the value does not hold any more.
        return Math.min(countAtMs(rule, levels, this.#heldUntilMs), this.#heldUntilMs + 1)
      case 'firing':
        if (phase.clearSinceMs !== null) return phase.clearSinceMs + rule.keepFiringForMs
        return countAtMs(rule, levels, this.#heldUntilMs)
      case 'inactive':
      case 'muted':
        return never
      default:
        return phase satisfies never
    }
  }

  #nextMs(): number {
    let nextMs = never
    this.#standings.forEach((standing, i) => {
      const rule = this.#plan.rules[i]
      if (standing !== undefined && rule !== undefined) nextMs = Math.min(nextMs, this.#dueOf(rule, standing))
    })
    return nextMs
  }

  #step(rule: ThresholdRule, standing: ThresholdStanding, timeMs: number, decidedBy: 'reading' | 'timer'): void {
    const grounds = this.#grounds(rule, standing, timeMs, decidedBy)
    stepStanding(standing, findings(standing.levels), timeMs, this.#teller(rule), grounds)
  }

  /** Healthy again, or not: which readings are to be judged, and when time will do something. */
  #settle(standings: readonly (ThresholdStanding | undefined)[]): void {
    const healthy = standings.every((standing) => standing === undefined || standing.phase.kind === 'inactive')
    this.#standings = healthy ? none : standings
    this.#safeMin = healthy ? this.#plan.safeMin : never
    this.#safeMax = healthy ? this.#plan.safeMax : -never
    const nextMs = healthy ? never : this.#nextMs()
    this.#around.timers.set(this, nextMs === never ? never : this.#lastEngineMs + (nextMs - this.#lastMs))
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
    if (plan === undefined) {
      this.#standings = none
      this.#around.timers.set(this, never)
    } else {
      this.#plan = plan
      this.#settle(standings)
    }
  }

  resolveByHand(id: AlertId): void {
    this.#standings.forEach((standing, i) => {
      const rule = this.#plan.rules[i]
      if (standing?.alert?.id !== id || rule === undefined) return
      this.#end(rule, standing, 'by_hand')
      // It ceased before it was resolved.
      if (findings(standing.levels).holding === null) standing.phase = inactive
    })
    this.#settle(this.#standings)
  }

  #end(rule: ThresholdRule, standing: ThresholdStanding, reason: ResolveReason): void {
    const timeMs = this.#clockMs(this.#around.clock.nowMs)
    endStanding(standing, reason, timeMs, this.#teller(rule), this.#grounds(rule, standing, timeMs, 'reading'))
  }

  get #heldUntilMs(): number {
    return this.#lastMs + this.#plan.holdMs
  }

  #clockMs(engineMs: number): number {
    return this.#lastMs + (engineMs - this.#lastEngineMs)
  }

  #teller({ record }: ThresholdRule): Teller {
    return { alerts: this.#around.alerts, subject: this, rule: record }
  }

  #grounds(rule: ThresholdRule, standing: ThresholdStanding, timeMs: number, decidedBy: 'reading' | 'timer'): Grounds {
    // Before a step changes it.
    const { phase, levels } = standing
    const evidence = (severity: Severity): Evidence => {
      // A version that no longer has the severity is spoken for by its mildest level.
      const level = rule.levels.find((each) => each.severity === severity) ?? rule.levels[0]
      const clearSinceMs = phase.kind === 'firing' ? phase.clearSinceMs : null
      return {
        kind: 'threshold',
        op: rule.op,
        limit: level?.value ?? Number.NaN,
        clear: level?.clear ?? Number.NaN,
        value: this.#lastValue,
        unit: rule.unit,
        quality: qualityNames[this.#lastQuality],
        readingTimeMs: this.#lastMs,
        sinceMs: levels[severities.indexOf(severity)]?.sinceMs ?? clearSinceMs ?? timeMs,
        forMs: rule.forMs,
        keepFiringForMs: rule.keepFiringForMs,
        decidedBy,
      }
    }
    return { value: this.#lastValue, evidence }
  }

  /** Whether there has been a reading at all. */
  get heard(): boolean {
    return this.#lastMs !== Number.NEGATIVE_INFINITY
  }

  state(): SeriesState {
    if (this.#standings === none) return { lastMs: this.#lastMs, troubled: undefined }
    const standings = this.#plan.rules.flatMap(({ record }, i) => {
      const standing = this.#standings[i]
      return standing === undefined || standing.phase.kind === 'inactive' ? [] : [{ ...standing, ruleId: record.id }]
    })
    const lastEngineMs = this.#lastEngineMs
    const troubled = { lastEngineMs, lastValue: this.#lastValue, lastQuality: this.#lastQuality, standings }
    return { lastMs: this.#lastMs, troubled }
  }

  /** Of a fresh one that has the same plan as when the state was taken. */
  restore({ lastMs, troubled }: SeriesState): void {
    this.#lastMs = lastMs
    if (troubled === undefined) return
    this.#lastEngineMs = troubled.lastEngineMs
    this.#lastValue = troubled.lastValue
    this.#lastQuality = troubled.lastQuality
    const standings = this.#plan.rules.map(({ record }) => {
      const kept = troubled.standings.find(({ ruleId }) => ruleId === record.id)
      if (kept?.alert !== undefined) this.#around.alerts.restore(this, kept.alert)
      return kept && { phase: kept.phase, alert: kept.alert, levels: kept.levels }
    })
    this.#settle(standings)
  }
}
