import { backoffMs, type Random, type RetryPolicy } from './retry.ts'

/**
 * While a provider is down the mails wait for it, instead of failing one after the other: after a pause one mail tries,
 * and the first that goes through opens the way for all.
 */
export interface ProviderHealth {
  readonly down: boolean
  /** How many more mails may set out now, of `slots`, while `inFlight` are on their way. */
  room(nowMs: number, inFlight: number, slots: number): number
  /** Taken when a mail sets out, given back with how it went. */
  mark(): number
  up(): void
  /** Of several that failed together only one lengthens the pause. */
  failed(mark: number, nowMs: number): void
}

export function createProviderHealth(policy: RetryPolicy, random: Random): ProviderHealth {
  let failures = 0
  let era = 0
  let pausedUntilMs = 0

  return {
    get down() {
      return failures > 0
    },
    room(nowMs, inFlight, slots) {
      if (failures === 0) return slots - inFlight
      return nowMs < pausedUntilMs ? 0 : 1 - inFlight
    },
    mark: () => era,
    up() {
      failures = 0
    },
    failed(mark, nowMs) {
      if (mark !== era) return
      era++
      failures++
      pausedUntilMs = nowMs + backoffMs(policy, failures, random)
    },
  }
}
