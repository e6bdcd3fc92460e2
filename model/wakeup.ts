/** Lets one loop sleep until somebody has work for it. */
export interface Wakeup {
  /** Ends the wait, or the next one if nobody waits now: whatever was there before the call is seen after it. */
  wake(): void
  /** Resolves when woken, after `maxMs`, or when the signal aborts. One caller at a time. */
  wait(maxMs: number, signal: AbortSignal): Promise<void>
}

export function createWakeup(): Wakeup {
  let woken = false
  let end: (() => void) | undefined

  return {
    wake() {
      woken = true
      end?.()
    },
    async wait(maxMs, signal) {
      if (!woken && !signal.aborted) {
        const ended = Promise.withResolvers<void>()
        end = ended.resolve
        const timer = setTimeout(ended.resolve, maxMs)
        signal.addEventListener('abort', end, { once: true })
        await ended.promise
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        end = undefined
      }
      woken = false
    },
  }
}
