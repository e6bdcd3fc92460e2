import type { Logger } from 'pino'

/** A request that somebody was not allowed: 401, 403 or 429. */
export interface RefusedRequest {
  readonly code: string
  readonly method: string
  /** A route's path, never an address. */
  readonly route: string
  readonly requestId: string
  readonly address: string | null
  /** `kind:id` of who proved to be somebody; undefined: nobody did. */
  readonly principal: string | undefined
}

/** Refusals in the log: the first of each kind, of everybody, and after a minute how many more there were. */
export interface RefusedRequests {
  note(request: RefusedRequest): void
  /** Tells what is untold. */
  flush(): void
}

const windowMs = 60_000
/** So many are logged apart in a minute, so that trying does not fill the disk. */
const apartMax = 20

export function createRefusedRequests(logger: Logger): RefusedRequests {
  /** `code` and who → how often again in this minute, after the one that was logged. */
  const again = new Map<string, number>()
  let others = 0
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    const repeated = [...again].filter(([, count]) => count > 0)
    if (repeated.length > 0 || others > 0)
      logger.warn({ again: Object.fromEntries(repeated), others }, 'more requests refused')
    again.clear()
    others = 0
  }

  return {
    note(request) {
      timer ??= setTimeout(flush, windowMs).unref()
      const who = `${request.code} ${request.principal ?? request.address ?? '-'}`
      const count = again.get(who)
      if (count !== undefined) again.set(who, count + 1)
      else if (again.size >= apartMax) others++
      else {
        again.set(who, 0)
        logger.warn(request, 'request refused')
      }
    },
    flush,
  }
}
