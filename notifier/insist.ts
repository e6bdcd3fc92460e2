import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { isAppError } from '../model/index.ts'

const firstDelayMs = 100
const longestDelayMs = 5_000

/** Runs `act` until it succeeds; rejects when the record it is about is gone, or when the signal aborts. */
export type Insist = <T>(what: string, act: () => Promise<T>) => Promise<T>

/**
 * The one place where the notifier waits for the state: a mail that was sent but cannot be recorded must not be taken
 * again meanwhile. First failure and recovery are logged.
 */
export function createInsist(logger: Logger, signal: AbortSignal): Insist {
  return async (what, act) => {
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await act()
        if (attempt > 1) logger.info({ what, attempts: attempt }, 'notifier recovered')
        return result
      } catch (error) {
        if (signal.aborted || isAppError(error, 'not_found') || isAppError(error, 'conflict')) throw error
        if (attempt === 1) logger.error({ err: error, what }, 'notifier is waiting and trying again')
      }
      await delay(Math.min(firstDelayMs * 2 ** Math.min(attempt - 1, 10), longestDelayMs), undefined, { signal })
    }
  }
}
