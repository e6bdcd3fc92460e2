import type { Logger } from 'pino'

export interface SlownessOptions {
  readonly deadlineMs: number
  readonly pauseMinMs: number
  readonly pauseMaxMs: number
}

/** Leaves alone, for a while, what is not in time. */
export interface Slowness {
  isPaused(): boolean
  /** What is answered; undefined when it takes longer. Never rejects where `answer` does not. */
  limit<Result>(answer: Promise<Result>): Promise<Result | undefined>
}

export function createSlowness({ deadlineMs, pauseMinMs, pauseMaxMs }: SlownessOptions, logger: Logger): Slowness {
  let pausedUntilMs = 0
  let pauseMs = pauseMinMs
  let isSlow = false

  function tooSlow(): void {
    const nowMs = performance.now()
    // Others who waited as well: one pause for all.
    if (nowMs < pausedUntilMs) return
    pausedUntilMs = nowMs + pauseMs
    pauseMs = Math.min(pauseMs * 2, pauseMaxMs)
    if (!isSlow) logger.warn({ deadlineMs }, 'redis too slow for the cache')
    isSlow = true
  }

  function inTime(): void {
    pauseMs = pauseMinMs
    if (isSlow) logger.info('redis fast enough for the cache again')
    isSlow = false
  }

  return {
    isPaused: () => performance.now() < pausedUntilMs,
    limit: (answer) =>
      new Promise((resolve, reject) => {
        let over = false
        const timer = setTimeout(() => {
          // Perhaps it is this thread that was not in time, and the answer is there: it is looked at first.
          setImmediate(() => {
            if (over) return
            over = true
            tooSlow()
            resolve(undefined)
          })
        }, deadlineMs)
        answer
          .then((result) => {
            if (!over && result !== undefined) inTime()
            resolve(result)
          }, reject)
          .finally(() => {
            over = true
            clearTimeout(timer)
          })
      }),
  }
}
