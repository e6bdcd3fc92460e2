import { networkOf, type Principal } from '../model/index.ts'
import type { Limits, Taken } from '../store/limits/index.ts'
import type { Client } from './client-address.ts'
import { HttpProblem } from './problem.ts'

/**
 * What is counted: requests of a principal; of an address those without one, or with a credential that is none; and what
 * somebody could try in order to become one, which is far less.
 */
export const limitKinds = ['principal', 'address', 'sign-in'] as const
export type LimitKind = (typeof limitKinds)[number]

/** One request and its limits. Each `take` ends it with a 429 problem when it is one too many. */
export interface Quota {
  takeOfAddress(kind: Exclude<LimitKind, 'principal'>): Promise<void>
  takeOfPrincipal(principal: Principal): Promise<void>
  /** What the answer tells about the limit that was asked last. */
  headers(): Readonly<Record<string, string>>
}

/** `onRefused` is told of each request that was one too many. */
export function createQuotas(
  limits: Limits<LimitKind>,
  onRefused: (kind: LimitKind) => void,
): (client: Client) => Quota {
  return (client) => {
    let told: Readonly<Record<string, string>> = {}

    async function take(kind: LimitKind, key: string): Promise<void> {
      const taken = await limits.take(kind, key)
      if (taken === undefined) return
      told = headersOf(taken)
      if (taken.allowed) return
      onRefused(kind)
      const waitS = Math.max(Math.ceil(taken.resetMs / 1000), 1)
      throw new HttpProblem('rate_limited', `${taken.limit} requests a minute are allowed; the next is in ${waitS} s`, {
        headers: { 'retry-after': String(waitS) },
      })
    }

    return {
      takeOfAddress: (kind) => take(kind, client.address === null ? 'none' : networkOf(client.address)),
      takeOfPrincipal: ({ kind, id }) => take('principal', `${kind}:${id}`),
      headers: () => told,
    }
  }
}

/** The three fields of draft-ietf-httpapi-ratelimit-headers up to its version 07; seconds. */
function headersOf({ limit, remaining, resetMs }: Taken): Readonly<Record<string, string>> {
  return {
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': String(Math.ceil(resetMs / 1000)),
  }
}
