import { networkOf } from '../../model/index.ts'
import { createLimits, type LimitRule, type Taken } from '../../store/limits/index.ts'
import type { Redis } from '../../store/redis/index.ts'
import { HttpProblem } from '../problem.ts'

const windowS = 15 * 60

/**
 * How often somebody may try. Per account and address, so that a stranger who guesses does not shut out its owner, who comes from
 * elsewhere; and per address, so that one stranger does not try every account.
 */
const tries = {
  /** Sign-ins to one account from one address since the last that succeeded. */
  account: { limit: 5, windowS },
  /** Sign-ins from one address, whatever the account. */
  address: { limit: 50, windowS },
  /** Codes, links and requests for mails from one address. */
  steps: { limit: 30, windowS },
  /** Mails that anybody can make the platform send to one person. */
  mails: { limit: 3, windowS: 60 * 60 },
} as const satisfies Readonly<Record<string, LimitRule>>

export interface Throttle {
  /**
   * Counts a try before it is made, for guesses made at once must not all come before the first is counted; a 429 problem when
   * there were too many. `last`: another one will be one too many.
   */
  begin(address: string | null, account: string): Promise<{ readonly last: boolean; readonly tries: number }>
  /** Begins to count anew. */
  succeeded(address: string | null, account: string): Promise<void>
  takeStep(address: string | null): Promise<void>
  /** Whether the account may be sent another mail; never a problem, for that would say that it exists. */
  mayMail(account: string): Promise<boolean>
}

/** `account` is an address as people write it: what is the same to us is the same here. */
export function createThrottle(redis: Redis | undefined): Throttle {
  const limits = createLimits(tries, { redis })

  return {
    async begin(from, name) {
      refuse(await limits.take('address', ofNetwork(from)))
      const taken = await limits.take('account', pair(from, name))
      refuse(taken)
      return { last: taken?.remaining === 0, tries: tries.account.limit }
    },
    // The address is not forgiven: somebody with an account of their own could try all others in between.
    succeeded: (from, name) => limits.forget('account', pair(from, name)),
    takeStep: async (from) => refuse(await limits.take('steps', ofNetwork(from))),
    mayMail: async (name) => (await limits.take('mails', name.toLowerCase()))?.allowed !== false,
  }
}

function refuse(taken: Taken | undefined): void {
  if (taken === undefined || taken.allowed) return
  const seconds = Math.max(1, Math.ceil(taken.resetMs / 1_000))
  throw new HttpProblem('rate_limited', `too many tries; come again in ${Math.ceil(seconds / 60)} min`, {
    headers: { 'retry-after': String(seconds) },
  })
}

function pair(address: string | null, account: string): string {
  return `${ofNetwork(address)} ${account.toLowerCase()}`
}

/** One IPv6 customer has a /64 to themselves. */
function ofNetwork(address: string | null): string {
  return address === null ? 'nowhere' : networkOf(address)
}
