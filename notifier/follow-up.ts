import type { AttemptOutcome, NotificationRecord } from '../store/state/index.ts'
import type { SendOutcome } from './ports.ts'
import { nextAttemptMs, type Random, type RetryPolicy } from './retry.ts'

/** What becomes of a notification after an attempt that ended so, at `nowMs`. */
export function followUp(
  { createdMs, attempts }: Pick<NotificationRecord, 'createdMs' | 'attempts'>,
  outcome: SendOutcome,
  { policy, nowMs, random }: { readonly policy: RetryPolicy; readonly nowMs: number; readonly random: Random },
): AttemptOutcome {
  switch (outcome.kind) {
    case 'sent':
      return { kind: 'sent' }
    case 'permanent':
      return { kind: 'failed', reason: outcome.reason }
    case 'temporary': {
      const nextMs = nextAttemptMs(policy, { createdMs, attempts: attempts + 1, nowMs }, random)
      if (nextMs === undefined) return { kind: 'failed', reason: 'gave_up' }
      return { kind: 'retry', reason: outcome.reason, nextAttemptMs: nextMs }
    }
    default:
      return outcome satisfies never
  }
}
