import { isMetricName, isReservedMetricName } from '../model/index.ts'
import type { DeviceMemory } from './memory/device-memory.ts'
import type { DeviceInfo, RejectReason } from './ports.ts'

export interface DraftSettings {
  readonly maxMetrics: number
  readonly lateHorizonMs: number
  /** Gives the device's new metric a slot. */
  readonly addMetric: (device: DeviceMemory, name: string) => number
}

/** Device clocks are never quite right: so far ahead a time is taken as it is. */
export const believedAheadMs = 5 * 60_000
/** A clock so far ahead is absurd; the reading is rejected. */
const mostAheadMs = 24 * 3_600_000
/** Details name so many culprits, each cut to so many characters. */
const culpritsNamed = 5
const culpritLength = 80

interface Problem {
  readonly culprits: string[]
  count: number
}

/**
 * What a decoder makes of one message: rows (a time, or none) of values, and what was wrong. Nothing of it counts yet:
 * a decoder may give up and leave the message to another. One object is used for all messages.
 */
export class MessageDraft {
  device: DeviceMemory
  receivedMs = 0
  /** Values, row by row; `rowEnds[i]` is where row i ends. */
  slots = new Int32Array(64)
  values = new Float64Array(64)
  length = 0
  /** Epoch ms; NaN: the row came without a time. */
  rowTimesMs = new Float64Array(16)
  rowEnds = new Int32Array(16)
  rowCount = 0
  /** Whether any row came without a time, or with one further ahead than is believed. */
  untimed = false
  ahead = false
  readonly problems = new Map<RejectReason, Problem>()
  status: 'online' | 'offline' | undefined = undefined
  info: DeviceInfo | undefined = undefined
  readonly #settings: DraftSettings

  constructor(device: DeviceMemory, settings: DraftSettings) {
    this.device = device
    this.#settings = settings
  }

  begin(device: DeviceMemory, receivedMs: number): void {
    this.device = device
    this.receivedMs = receivedMs
    this.clear()
  }

  clear(): void {
    this.length = 0
    this.rowCount = 0
    this.untimed = false
    this.ahead = false
    this.status = undefined
    this.info = undefined
    if (this.problems.size > 0) this.problems.clear()
  }

  /** False: a row of that time cannot be taken, its values are not wanted. */
  beginRow(timeMs: number): boolean {
    if (timeMs > this.receivedMs + mostAheadMs) {
      this.problem('clock_ahead', `ts is ${Math.round((timeMs - this.receivedMs) / 1000)} s ahead`)
      return false
    }
    if (timeMs < this.receivedMs - this.#settings.lateHorizonMs) {
      this.problem('too_old', `ts is ${Math.round((this.receivedMs - timeMs) / 1000)} s old`)
      return false
    }
    if (this.rowCount === this.rowEnds.length) this.#growRows()
    this.rowTimesMs[this.rowCount] = timeMs
    this.rowEnds[this.rowCount] = this.length
    this.rowCount++
    if (Number.isNaN(timeMs)) this.untimed = true
    else if (timeMs > this.receivedMs + believedAheadMs) this.ahead = true
    return true
  }

  /** Adds to the row begun last a value of a metric that has its slot. */
  push(slot: number, value: number): void {
    if (this.length === this.slots.length) this.#growValues()
    this.slots[this.length] = slot
    this.values[this.length] = value
    this.length++
    this.rowEnds[this.rowCount - 1] = this.length
  }

  /** The same by name; a metric that the device may not have is a problem of its own and costs no other. */
  value(name: string, value: unknown): void {
    if (!isMetricName(name) || isReservedMetricName(name)) this.problem('bad_metric_name', JSON.stringify(name))
    else if (typeof value !== 'number' && typeof value !== 'boolean')
      this.problem('wrong_type', `${name}: ${describeValue(value)}`)
    else if (!Number.isFinite(Number(value))) this.problem('not_finite', `${name}: not a finite number`)
    else {
      const slot = this.device.slots.get(name) ?? this.#newSlot(name)
      if (slot === undefined) this.problem('too_many_metrics', name)
      else this.push(slot, Number(value))
    }
  }

  problem(reason: RejectReason, culprit: string): void {
    const problem = this.problems.get(reason)
    const cut = culprit.length > culpritLength ? `${culprit.slice(0, culpritLength)}…` : culprit
    if (problem === undefined) this.problems.set(reason, { culprits: [cut], count: 1 })
    else {
      problem.count++
      if (problem.culprits.length < culpritsNamed) problem.culprits.push(cut)
    }
  }

  #newSlot(name: string): number | undefined {
    const { device } = this
    const most = device.record.limits.metrics ?? this.#settings.maxMetrics
    return device.metrics.length < most ? this.#settings.addMetric(device, name) : undefined
  }

  #growRows(): void {
    const times = new Float64Array(this.rowEnds.length * 2)
    const ends = new Int32Array(this.rowEnds.length * 2)
    times.set(this.rowTimesMs)
    ends.set(this.rowEnds)
    this.rowTimesMs = times
    this.rowEnds = ends
  }

  #growValues(): void {
    const slots = new Int32Array(this.slots.length * 2)
    const values = new Float64Array(this.slots.length * 2)
    slots.set(this.slots)
    values.set(this.values)
    this.slots = slots
    this.values = values
  }
}

export function describeProblem(problem: Problem): string {
  const more = problem.count - problem.culprits.length
  return problem.culprits.join(', ') + (more > 0 ? ` and ${more} more` : '')
}

export function describeValue(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return 'an object'
  return typeof value === 'string' ? JSON.stringify(value.slice(0, culpritLength)) : String(value)
}
