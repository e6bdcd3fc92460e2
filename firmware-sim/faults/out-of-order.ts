import type { SentRow } from '../truth/history.ts'
import { excursionOf, worstSample } from './excursions.ts'
import type { FaultFactory } from './fault.ts'

const heldBack = 3

/** The newest of three measurements overtakes the others; what was too high among those is old news: no alert. */
export const createOutOfOrder: FaultFactory = ({ profile, measure, report, random }, episode) => {
  const excursion = excursionOf(profile, episode)
  const held: SentRow[] = []
  let rounds = 0

  function flush(): void {
    const newest = held.pop()
    if (newest === undefined) return
    const late = held.splice(0)
    if (rounds++ % 2 === 0) report([newest, ...late])
    else for (const row of [newest, ...late]) report([row])
  }

  return {
    tick(nowMs) {
      held.push(measure(nowMs, held.length === 1 ? worstSample(excursion, random) : {}))
      if (held.length === heldBack) flush()
    },
    end() {
      // The one that is too high must not become the newest.
      if (held.length === heldBack - 1) held.pop()
      flush()
    },
  }
}
