import { excursionOf, excursionSample } from './excursions.ts'
import type { FaultFactory } from './fault.ts'

/** A quantity leaves its band, goes further, comes nearer and returns: the alert fires, rises, falls, ends. */
export const createOutOfRange: FaultFactory = ({ profile, measure, report, random }, episode) => {
  const excursion = excursionOf(profile, episode)
  return {
    tick(nowMs, share) {
      report([measure(nowMs, excursionSample(excursion, share, random))])
    },
    end() {},
  }
}
