import { excursionOf, worstSample } from './excursions.ts'
import { type FaultFactory, payloadOf } from './fault.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

/**
 * The clock is wrong, and what is measured is too high, but nobody knows when: no alert.
 * - Ahead: stored at its arrival, suspect. Behind: stored under its time, late.
 * - Absurdly ahead or behind: rejected, with the reason.
 */
export const createClockSkew: FaultFactory = ({ device, profile, measure, waitFor, random }, episode) => {
  const excursion = excursionOf(profile, episode)
  const skews = [
    { byMs: 10 * minuteMs, clock: 'ahead' },
    { byMs: -60 * minuteMs, clock: 'own' },
    { byMs: 2 * dayMs, clock: 'absurd', rejected: 'clock_ahead' },
    { byMs: -400 * dayMs, clock: 'absurd', rejected: 'too_old' },
  ] as const
  let turn = 0
  return {
    tick(nowMs) {
      const skew = skews[turn++ % skews.length] ?? skews[0]
      const { timeMs, values } = measure(nowMs, worstSample(excursion, random))
      const row = { timeMs: timeMs + skew.byMs, values }
      const message =
        skew.clock === 'absurd'
          ? device.send({ payload: payloadOf([{ ...row, clock: 'own' }]), rows: [], rejected: skew.rejected })
          : device.send({ payload: payloadOf([{ ...row, clock: skew.clock }]), rows: [{ ...row, clock: skew.clock }] })
      // It is stored at its arrival, which must lie before what is measured next.
      if (skew.clock === 'ahead') waitFor(message)
    },
    end() {},
  }
}
