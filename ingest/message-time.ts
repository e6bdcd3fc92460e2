import type { MessageDraft } from './draft.ts'

/** Device clocks are never quite right: so far ahead a time is taken as it is. */
const believedAheadMs = 5 * 60_000

/** The time a row is stored under. Hot: one object is used for all rows. */
export class RowTime {
  timeMs = 0
  /** The device's own time where it is not the stored one, else NaN. */
  deviceTimeMs = Number.NaN

  /**
   * - A row with a time that can be believed: that time.
   * - Without one: the time of arrival, or the next free millisecond when the device has sent the same metric within
   *   the same one, because two measurements must not become one. Not more than five minutes ahead of arrival; a
   *   device that is so much faster than 1,000 messages a second has the last of each millisecond kept.
   * - With one too far ahead: the time of arrival likewise; sent again, it is recognised by the device's own time.
   */
  assign(draft: MessageDraft, row: number): void {
    const { device, receivedMs } = draft
    const deviceTimeMs = draft.rowTimesMs[row] ?? Number.NaN
    this.deviceTimeMs = Number.NaN
    if (deviceTimeMs <= receivedMs + believedAheadMs) this.timeMs = deviceTimeMs
    else if (Number.isNaN(deviceTimeMs)) this.timeMs = arrivalTime(draft, row)
    else {
      this.deviceTimeMs = deviceTimeMs
      const stored = device.aheadTimes.get(deviceTimeMs)
      this.timeMs = stored ?? arrivalTime(draft, row)
      if (stored === undefined) device.rememberAhead(deviceTimeMs, this.timeMs)
    }
  }
}

function arrivalTime(draft: MessageDraft, row: number): number {
  const { device, receivedMs } = draft
  const latestMs = receivedMs + believedAheadMs
  const from = row === 0 ? 0 : (draft.rowEnds[row - 1] ?? 0)
  const to = draft.rowEnds[row] ?? from
  let timeMs = Math.min(Math.max(receivedMs, device.untimedMs), latestMs)
  for (let i = from; i < to; i++) {
    if (timeMs < latestMs && device.lastTimeMs(draft.slots[i] ?? 0) === timeMs) {
      timeMs++
      i = from - 1
    }
  }
  device.untimedMs = timeMs
  return timeMs
}
