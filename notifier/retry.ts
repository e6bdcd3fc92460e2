/** A number in [0, 1). */
export type Random = () => number

export interface RetryPolicy {
  readonly firstRetryMs: number
  readonly longestRetryMs: number
  /** After the notification was made; an attempt that would come later is not made. */
  readonly giveUpAfterMs: number
}

/**
 * Wait before the attempt after `attempts` failed ones: doubles from `firstRetryMs` to `longestRetryMs`, and of that
 * between half and all, by chance, so that mails that failed together do not come back together.
 */
export function backoffMs(policy: RetryPolicy, attempts: number, random: Random): number {
  // 2 ** 30 of the shortest wait is beyond every longest one; further on it would only overflow.
  const doubled = policy.firstRetryMs * 2 ** Math.min(Math.max(attempts, 1) - 1, 30)
  const wait = Math.min(doubled, policy.longestRetryMs)
  return Math.ceil(wait / 2 + (wait / 2) * random())
}

/** When to try again after `attempts` failed ones, the last at `nowMs`; undefined: no more. */
export function nextAttemptMs(
  policy: RetryPolicy,
  notification: { readonly createdMs: number; readonly attempts: number; readonly nowMs: number },
  random: Random,
): number | undefined {
  const { createdMs, attempts, nowMs } = notification
  const nextMs = nowMs + backoffMs(policy, attempts, random)
  return nextMs <= createdMs + policy.giveUpAfterMs ? nextMs : undefined
}
