/** Wall time; the only place outside `app/` that may ask the system for it. */
export interface Clock {
  /** Epoch milliseconds, UTC. May step backwards when the system's clock is set. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }
