import type { DispatchEvent } from '../store/state/index.ts'

/** One possible notification: this step of this alert, to this recipient. */
export interface Candidate {
  readonly event: DispatchEvent
  readonly recipient: string
}

/** Goes on to the next stage, or ends here with the reason that the notification will carry. */
export type Verdict = { readonly kind: 'pass' } | { readonly kind: 'suppress'; readonly reason: string }

/** One question that stands between an alert and a mail. Pure: the same candidate, the same verdict. */
export interface Stage {
  readonly name: string
  judge(candidate: Candidate): Verdict
}

/** The first stage that does not let it pass decides. */
export function judge(stages: readonly Stage[], candidate: Candidate): Verdict {
  for (const stage of stages) {
    const verdict = stage.judge(candidate)
    if (verdict.kind !== 'pass') return verdict
  }
  return { kind: 'pass' }
}
