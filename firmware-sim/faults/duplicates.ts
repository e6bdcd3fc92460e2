import { excursionOf, worstSample } from './excursions.ts'
import type { FaultFactory } from './fault.ts'

/** Everything is sent twice, in two messages or in one, and half of the time it is too high: still one alert. */
export const createDuplicates: FaultFactory = ({ profile, measure, report, random }, episode) => {
  const excursion = excursionOf(profile, episode)
  let ticks = 0
  return {
    tick(nowMs, share) {
      const row = measure(nowMs, share < 0.5 ? {} : worstSample(excursion, random))
      if (ticks++ % 2 === 0) report([row, row])
      else {
        report([row])
        report([row])
      }
    },
    end() {},
  }
}
