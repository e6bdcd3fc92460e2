import { HttpProblem } from '../problem.ts'

/** So many streams at once: of one principal, and in all. */
export interface Places {
  /** Throws a 429 or 503 problem when there is no place; else call what it returns when the stream has ended. */
  take(owner: string): () => void
  readonly taken: number
}

export interface PlacesConfig {
  readonly ofOwner: number
  readonly inAll: number
}

const retryAfter = { 'retry-after': '10' }

export function createPlaces({ ofOwner, inAll }: PlacesConfig): Places {
  const owners = new Map<string, number>()
  let taken = 0

  return {
    get taken() {
      return taken
    },
    take(owner) {
      const own = owners.get(owner) ?? 0
      if (own >= ofOwner)
        throw new HttpProblem('too_many_streams', `${own} streams of yours are open already`, { headers: retryAfter })
      if (taken >= inAll)
        throw new HttpProblem('store_unavailable', `${taken} streams are open already, as many as there may be`, {
          headers: retryAfter,
        })
      owners.set(owner, own + 1)
      taken++
      let released = false
      return () => {
        if (released) return
        released = true
        taken--
        const left = (owners.get(owner) ?? 1) - 1
        if (left > 0) owners.set(owner, left)
        else owners.delete(owner)
      }
    },
  }
}
