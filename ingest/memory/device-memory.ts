import type { DeviceRecord, MetricName, SeriesId } from '../../model/index.ts'
import type { DeviceView } from '../message-views.ts'
import type { DeviceInfo, DeviceWatch } from '../ports.ts'
import { KeyShape } from './key-shape.ts'
import type { MetricRule } from './metric-rule.ts'
import { createPresence, type PresenceMemory } from './presence.ts'
import { RecentNumbers } from './recent-numbers.ts'
import { cell, cellsPerSeries, clearCells } from './series-cells.ts'

/** Of a device whose clock is ahead so many readings are remembered, and messages, whatever the readings in them. */
const aheadTimesKept = 256
const aheadMessagesKept = 64

/**
 * Everything remembered of one device. Hot, hence a class. Its metrics have *slots*, small integers in the order in
 * which they first appeared; the columns below are indexed by slot.
 */
export class DeviceMemory {
  record: DeviceRecord
  /** The record as its control frame brought it; goes into the snapshot. */
  recordBytes: Uint8Array

  readonly metrics: MetricName[] = []
  readonly slots = new Map<string, number>()
  cells = new Float64Array(8 * cellsPerSeries)
  /** Not remembered but worked out from the profile. */
  rules: MetricRule[] = []
  /** Not remembered but asked of state; below 0: not known yet, see SeriesNaming. */
  readonly seriesIds: SeriesId[] = []
  /** Not remembered but asked of the evaluator, whose version was `watchVersion`; below 0: to be asked. */
  watch: DeviceWatch | undefined
  watchVersion = -1

  /** Newest time given to a reading that came without one. */
  untimedMs = Number.NEGATIVE_INFINITY
  /** The device's own time → the time stored, where its clock was ahead: sent again, it is the same reading. */
  readonly aheadTimes = new RecentNumbers(aheadTimesKept)
  /** Hash of a message with such readings → when it came. */
  readonly aheadMessages = new RecentNumbers(aheadMessagesKept)
  readonly presence: PresenceMemory = createPresence()
  info: DeviceInfo = {}
  /** Second, since 1970, of the newest rejected message, and how many it brought. */
  rejectedSecond = 0
  rejectedInSecond = 0

  /** Not remembered: its last messages, for people to look at (message-views.ts). */
  view: DeviceView | undefined = undefined
  /** Not remembered: since when, on the log's clock, it belongs to its site; what it sent before is not for those of that site. */
  siteSinceMs = Number.NEGATIVE_INFINITY
  /** Not remembered: only makes reading the next message faster. */
  readonly shape = new KeyShape()

  constructor(record: DeviceRecord, recordBytes: Uint8Array) {
    this.record = record
    this.recordBytes = recordBytes
  }

  addMetric(name: MetricName, rule: MetricRule, seriesId: SeriesId): number {
    const slot = this.metrics.length
    if ((slot + 1) * cellsPerSeries > this.cells.length) {
      const wider = new Float64Array(this.cells.length * 2)
      wider.set(this.cells)
      this.cells = wider
    }
    clearCells(this.cells, slot)
    this.metrics.push(name)
    this.slots.set(name, slot)
    this.rules.push(rule)
    this.seriesIds.push(seriesId)
    this.watchVersion = -1
    return slot
  }

  lastTimeMs(slot: number): number {
    return this.cells[slot * cellsPerSeries + cell.lastTimeMs] ?? Number.NEGATIVE_INFINITY
  }
}
