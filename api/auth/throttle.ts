import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { networkOf } from '../../model/index.ts'
import { HttpProblem } from '../problem.ts'

const windowS = 15 * 60

/**
 * How often somebody may try. Per account and address, so that a stranger who guesses does not shut out its owner, who comes from
 * elsewhere; and per address, so that one stranger does not try every account.
 */
const tries = {
  /** Wrong passwords and codes of one account from one address. */
  account: { points: 5, duration: windowS },
  /** Sign-ins of an address that did not succeed, whatever the account. */
  address: { points: 50, duration: windowS },
  /** Codes, links and requests for mails from one address. */
  steps: { points: 30, duration: windowS },
  /** Mails that anybody can make the platform send to one person. */
  mails: { points: 3, duration: 60 * 60 },
} as const

export interface Throttle {
  /**
   * Counts a try before it is made, for guesses made at once must not all come before the first is counted. A 429 problem when
   * there were too many; `onFirst` is called for the first that was one too many.
   */
  begin(address: string | null, account: string, onFirst: (tries: number) => Promise<void>): Promise<void>
  /** That try was none that counts. */
  succeeded(address: string | null, account: string): Promise<void>
  takeStep(address: string | null): Promise<void>
  /** Whether the account may be sent another mail; never a problem, for that would say that it exists. */
  mayMail(account: string): Promise<boolean>
}

/** `account` is an address as people write it: what is the same to us is the same here. */
export function createThrottle(): Throttle {
  const account = new RateLimiterMemory(tries.account)
  const address = new RateLimiterMemory(tries.address)
  const steps = new RateLimiterMemory(tries.steps)
  const mails = new RateLimiterMemory(tries.mails)

  return {
    async begin(from, name, onFirst) {
      const byAddress = await take(address, ofNetwork(from))
      if (byAddress !== undefined) throw tooMany(byAddress)
      const byAccount = await take(account, pair(from, name))
      if (byAccount === undefined) return
      if (byAccount.consumedPoints === tries.account.points + 1) await onFirst(tries.account.points)
      throw tooMany(byAccount)
    },
    async succeeded(from, name) {
      await account.delete(pair(from, name))
      await address.reward(ofNetwork(from))
    },
    async takeStep(from) {
      const refused = await take(steps, ofNetwork(from))
      if (refused !== undefined) throw tooMany(refused)
    },
    mayMail: async (name) => (await take(mails, name.toLowerCase())) === undefined,
  }
}

/** Undefined when it was allowed. */
async function take(limiter: RateLimiterMemory, key: string): Promise<RateLimiterRes | undefined> {
  try {
    await limiter.consume(key)
    return undefined
  } catch (refused) {
    if (refused instanceof RateLimiterRes) return refused
    throw refused
  }
}

function pair(address: string | null, account: string): string {
  return `${ofNetwork(address)} ${account.toLowerCase()}`
}

function tooMany({ msBeforeNext }: RateLimiterRes): HttpProblem {
  const seconds = Math.max(1, Math.ceil(msBeforeNext / 1_000))
  return new HttpProblem('rate_limited', `too many tries; come again in ${Math.ceil(seconds / 60)} min`, {
    headers: { 'retry-after': String(seconds) },
  })
}

/** One IPv6 customer has a /64 to themselves. */
function ofNetwork(address: string | null): string {
  return address === null ? 'nowhere' : networkOf(address)
}
