/**
 * Loads a thing once for all who ask for it meanwhile: they share the result, and what it failed with. Nothing is kept: who
 * asks afterwards loads anew.
 */
export type SingleFlight<Result> = (key: string, load: () => Promise<Result>) => Promise<Result>

/** A load that hangs holds up nobody who comes later than this. */
const joinableMs = 2_000

export function createSingleFlight<Result>(): SingleFlight<Result> {
  // As many as there are requests at once.
  const flights = new Map<string, { readonly startedMs: number; readonly result: Promise<Result> }>()
  return (key, load) => {
    const nowMs = performance.now()
    const flying = flights.get(key)
    if (flying !== undefined && nowMs - flying.startedMs < joinableMs) return flying.result
    const result = Promise.try(load)
    const flight = { startedMs: nowMs, result }
    flights.set(key, flight)
    const land = () => {
      if (flights.get(key) === flight) flights.delete(key)
    }
    result.then(land, land)
    return result
  }
}
