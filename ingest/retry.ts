import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { AppError, isAppError } from '../model/index.ts'

const firstDelayMs = 100
const longestDelayMs = 5_000

export interface Retry {
  /**
   * Runs `act` until it succeeds, fails for good, or the signal aborts: then it rejects with `aborted`, and what has not
   * begun never does. Everything that ingest leaves behind it passes here.
   */
  run<T>(what: string, act: () => Promise<T>): Promise<T>
  /** Something is being tried again right now. */
  readonly failing: boolean
}

/**
 * The one place where ingest tries again, no sooner than whoever refused asks for. A failure is logged when it is another one
 * than before, and the recovery, but not every attempt.
 */
export function createRetry(logger: Logger, signal: AbortSignal): Retry {
  const failing = new Set<string>()

  async function run<T>(what: string, act: () => Promise<T>): Promise<T> {
    let lastTold: string | undefined
    for (let attempt = 1; ; attempt++) {
      let waitMs = Math.min(firstDelayMs * 2 ** (attempt - 1), longestDelayMs)
      if (signal.aborted) throw new AppError('aborted', `${what} failed: ingest has given up`)
      try {
        const result = await act()
        if (attempt > 1) {
          failing.delete(what)
          logger.info({ what, attempts: attempt }, 'ingest recovered')
        }
        return result
      } catch (error) {
        if (!isAppError(error) || !error.retryable) {
          // It is not being tried again, whatever its caller makes of it.
          failing.delete(what)
          throw error
        }
        if (error.message !== lastTold) logger.warn({ err: error, what }, 'ingest is waiting and trying again')
        lastTold = error.message
        failing.add(what)
        waitMs = Math.max(waitMs, error.retryAfterMs ?? 0)
      }
      await delay(waitMs, undefined, { signal }).catch(() => {})
    }
  }

  return {
    run,
    get failing() {
      return failing.size > 0
    },
  }
}
