import { setTimeout as delay } from 'node:timers/promises'

export interface WaitOptions {
  readonly timeoutMs?: number
  readonly everyMs?: number
}

/** Asks until the answer is something; a rejected question counts as "not yet". Rejects when the time is over. */
export async function waitUntil<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMs = 20_000, everyMs = 20 }: WaitOptions = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  let lastError: unknown
  for (;;) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
      lastError = undefined
    } catch (error) {
      lastError = error
    }
    if (performance.now() >= deadline)
      throw new Error(`wait for ${what} failed: not within ${timeoutMs} ms`, { cause: lastError })
    await delay(everyMs)
  }
}
