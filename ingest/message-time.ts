import { believedAheadMs, type MessageDraft } from './draft.ts'

/**
 * So long after it came a reading that was ahead is taken for itself when it comes again, though its time is believed by
 * then. No longer: zones and summer time put a clock half an hour or more ahead, and once that is put right the same
 * times come again as others.
 */
export const sameClockMs = 15 * 60_000

/** Times that we give end so far ahead of arrival: five minutes of milliseconds behind the last that is believed. */
const mostAheadMs = 2 * believedAheadMs

/** The time a row is stored under. Hot: one object is used for all rows. */
export class RowTime {
  timeMs = 0
  /** The device's own time where it is not the stored one, else NaN. */
  deviceTimeMs = Number.NaN

  /**
   * - A row with a time that can be believed: that time.
   * - Without one: the time of arrival; or the millisecond behind the newest reading of its metrics when that is not
   *   older, because two measurements must not become one. False: that would be ten minutes ahead, there is no time
   *   for the row.
   * - With one too far ahead: the time of arrival likewise; sent again, it is recognised by the device's own time.
   */
  assign(draft: MessageDraft, row: number): boolean {
    const { device, receivedMs } = draft
    const deviceTimeMs = draft.rowTimesMs[row] ?? Number.NaN
    this.deviceTimeMs = Number.NaN
    if (Number.isNaN(deviceTimeMs)) return this.#arrive(draft, row)
    const storedMs = device.aheadTimes.size === 0 ? undefined : device.aheadTimes.get(deviceTimeMs)
    const believed = deviceTimeMs <= receivedMs + believedAheadMs
    if (believed && (storedMs === undefined || receivedMs - storedMs > sameClockMs)) {
      this.timeMs = deviceTimeMs
      return true
    }
    this.deviceTimeMs = deviceTimeMs
    if (storedMs !== undefined) {
      this.timeMs = storedMs
      return true
    }
    if (!this.#arrive(draft, row)) return false
    device.aheadTimes.add(deviceTimeMs, this.timeMs)
    return true
  }

  #arrive(draft: MessageDraft, row: number): boolean {
    const { device, receivedMs } = draft
    let timeMs = Math.max(receivedMs, device.untimedMs)
    const end = draft.rowEnds[row] ?? 0
    for (let i = row === 0 ? 0 : (draft.rowEnds[row - 1] ?? 0); i < end; i++) {
      const lastMs = device.lastTimeMs(draft.slots[i] ?? 0)
      if (lastMs >= timeMs) timeMs = lastMs + 1
    }
    if (timeMs > receivedMs + mostAheadMs) return false
    device.untimedMs = this.timeMs = timeMs
    return true
  }
}
