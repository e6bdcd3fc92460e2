import { networkOf, parseAddress } from '../model/index.ts'

/** Who tries to get in, and from where. */
export interface Login {
  readonly name: string
  readonly address: string | undefined
}

/**
 * Slows down who guesses, and nobody else. Wrong credentials are counted per user name and network: beyond a few a minute
 * the refusal is long in coming, and only so many may wait for one. What is right is never delayed, and a name is
 * never shut for those who come from elsewhere; names that do not exist are treated as those that do.
 */
export interface LoginThrottle {
  /** False: too many guesses of this name from this network are waiting for their answer; what is shown is not looked at. */
  mayTry(login: Login): boolean
  /** The credentials were wrong; resolves when that may be said. */
  failed(login: Login): Promise<void>
  /** CONNECTs whose credentials were not looked at. */
  readonly refusedTotal: number
  /** Answers those who wait. */
  stop(): void
}

export interface LoginThrottleConfig {
  /** How long a refusal waits, ms. */
  readonly delayMs: number
}

/** Wrong credentials of one name from one network that are answered at once, in a minute. */
const promptPerMinute = 5
const minuteMs = 60_000
/** Refusals of one name from one network that wait. */
const waitingMax = 20
/** Names and networks that are remembered; beyond it the one that failed first is forgotten. */
const guessersMax = 10_000
/** Of a user name that is none of ours: all of them are one. */
const namePattern = /^(?:key:)?[A-Za-z0-9_.:-]{1,64}$/

interface Guesser {
  minuteEndMs: number
  /** Wrong ones in this minute. */
  wrong: number
  waiting: number
}

export function createLoginThrottle({ delayMs }: LoginThrottleConfig, monotonicMs: () => number): LoginThrottle {
  const guessers = new Map<string, Guesser>()
  const waiting = new Map<NodeJS.Timeout, () => void>()
  let refusedTotal = 0

  function keyOf({ name, address }: Login): string {
    const parsed = address === undefined ? undefined : parseAddress(address)
    return `${parsed === undefined ? '' : networkOf(parsed)} ${namePattern.test(name) ? name : ''}`
  }

  function guesserOf(key: string): Guesser {
    const known = guessers.get(key)
    if (known !== undefined) return known
    const [oldest] = guessers.size >= guessersMax ? guessers.keys() : []
    if (oldest !== undefined) guessers.delete(oldest)
    const guesser = { minuteEndMs: Number.NEGATIVE_INFINITY, wrong: 0, waiting: 0 }
    guessers.set(key, guesser)
    return guesser
  }

  return {
    mayTry(login) {
      const isFree = (guessers.get(keyOf(login))?.waiting ?? 0) < waitingMax
      if (!isFree) refusedTotal++
      return isFree
    },
    failed(login) {
      const guesser = guesserOf(keyOf(login))
      const nowMs = monotonicMs()
      if (nowMs >= guesser.minuteEndMs) {
        guesser.minuteEndMs = nowMs + minuteMs
        guesser.wrong = 0
      }
      if (guesser.wrong++ < promptPerMinute) return Promise.resolve()
      guesser.waiting++
      return new Promise((resolve) => {
        const answer = () => {
          waiting.delete(timer)
          guesser.waiting--
          resolve()
        }
        const timer = setTimeout(answer, delayMs)
        waiting.set(timer, answer)
      })
    },
    get refusedTotal() {
      return refusedTotal
    },
    stop() {
      for (const [timer, answer] of waiting) {
        clearTimeout(timer)
        answer()
      }
    },
  }
}
