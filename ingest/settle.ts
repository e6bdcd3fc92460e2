import { noSession } from '../model/index.ts'
import type { Counters } from './counters.ts'
import type { MessageDraft } from './draft.ts'
import { RowTime } from './message-time.ts'
import type { Route } from './routes.ts'
import type { Step } from './step.ts'
import { judge, notJudged, qualityOf, verdict } from './validate.ts'
import { watchOf } from './watching.ts'

function isCalm(calm: Float64Array, slot: number, value: number): boolean {
  const at = 2 * slot
  return value >= (calm[at] ?? Number.POSITIVE_INFINITY) && value <= (calm[at + 1] ?? Number.NEGATIVE_INFINITY)
}

/** Makes a decoded message count: gives its rows their times, validates its values, has them judged, and hands them on
 * to be stored. */
export function createSettle(counters: Counters): (draft: MessageDraft, route: Route, step: Step) => void {
  const rowTime = new RowTime()

  function settleRows(draft: MessageDraft, step: Step): void {
    const { device, receivedMs, slots, values, rowEnds, rowCount } = draft
    const { batch } = step.effects
    const watch = step.evaluator === undefined ? undefined : watchOf(step.evaluator, device)
    let calm = watch?.calm
    let i = 0
    let timeless = 0
    for (let row = 0; row < rowCount; row++) {
      if (!rowTime.assign(draft, row)) {
        i = rowEnds[row] ?? i
        timeless++
        continue
      }
      const { timeMs, deviceTimeMs } = rowTime
      // A time that is not the device's own says little: the value is good, when it was measured is not.
      const timeBits = Number.isNaN(deviceTimeMs) ? 0 : verdict.suspect | verdict.clockAhead
      for (const end = rowEnds[row] ?? i; i < end; i++) {
        const slot = slots[i] ?? 0
        const value = values[i] ?? 0
        const rule = device.rules[slot]
        const seriesId = device.seriesIds[slot]
        if (rule === undefined || seriesId === undefined) continue
        const bits = judge(device.cells, slot, rule, timeMs, value, timeBits)
        if (watch !== undefined && calm !== undefined && (bits & notJudged) === 0 && !isCalm(calm, slot, value)) {
          watch.take(slot, timeMs, value, qualityOf(bits))
          calm = watch.calm
        }
        if (!step.newReadings) continue
        batch.push(seriesId, timeMs, value, qualityOf(bits), receivedMs, deviceTimeMs)
        counters.readings++
        if (bits !== 0) count(bits)
      }
    }
    if (timeless > 0) draft.problem('too_fast', `${timeless} rows without a time that is free`)
  }

  function count(bits: number): void {
    if ((bits & verdict.suspect) !== 0) counters.suspect++
    if ((bits & verdict.duplicate) !== 0) counters.duplicates++
    if ((bits & verdict.gap) !== 0) counters.gaps++
    if ((bits & notJudged) !== 0) counters.notJudged++
  }

  return (draft, route, step) => {
    if (draft.rowCount > 0) settleRows(draft, step)
    // A gateway speaks for a device that has no connection of its own: whatever it brings shows that the device is there.
    // What came by no connection tells nothing of one.
    if (step.frame.session !== noSession)
      draft.device.presence.relayedOnline = route.sender !== undefined && draft.status !== 'offline'
    if (draft.info !== undefined) draft.device.info = draft.info
  }
}
