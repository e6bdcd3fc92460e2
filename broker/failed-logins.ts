import type { Logger } from 'pino'

export interface FailedLogin {
  /** A device or key that may be named; undefined: the user name is none, and could be a secret in the wrong place. */
  readonly principal: string | undefined
  /** Of the client, or of what stands between it and us. */
  readonly address: string | undefined
}

/** CONNECTs with wrong or missing credentials: counted each, logged so that trying passwords does not fill the disk. */
export interface FailedLogins {
  note(login: FailedLogin): void
  /** Called now and then: tells at the end of a minute how many more there were. */
  check(): void
  /** Tells what is untold. */
  flush(): void
  readonly total: number
}

const windowMs = 60_000
/** So many principals are logged by name in a minute. */
const namedMax = 20
/** For all that may not be named. */
const unnamed = '-'

export function createFailedLogins(logger: Logger, monotonicMs: () => number): FailedLogins {
  let total = 0
  let windowEndMs = 0
  /** Principal → how often it failed again in this minute, after the one that was logged. */
  const again = new Map<string, number>()
  let others = 0

  function flush(): void {
    const repeated = [...again].filter(([, count]) => count > 0)
    if (repeated.length > 0 || others > 0)
      logger.warn({ again: Object.fromEntries(repeated), others }, 'more mqtt logins failed')
    again.clear()
    others = 0
  }

  function check(): void {
    if (monotonicMs() >= windowEndMs) flush()
  }

  return {
    note({ principal = unnamed, address }) {
      total++
      check()
      if (again.size === 0) windowEndMs = monotonicMs() + windowMs
      const count = again.get(principal)
      if (count !== undefined) again.set(principal, count + 1)
      else if (again.size >= namedMax) others++
      else {
        again.set(principal, 0)
        logger.warn({ principal, address }, 'mqtt login failed')
      }
    },
    check,
    flush,
    get total() {
      return total
    },
  }
}
