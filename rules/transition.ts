import type { Severity, TransitionKind } from '../model/index.ts'

/** Where one rule stands with one subject. */
export type Phase =
  | { readonly kind: 'inactive' }
  | { readonly kind: 'pending'; readonly severity: Severity }
  | {
      readonly kind: 'firing'
      readonly severity: Severity
      /** Since when no level has held; null: one does. */
      readonly clearSinceMs: number | null
    }
  /** Resolved by hand: silent until the condition has ceased once. */
  | { readonly kind: 'muted' }

/** What the condition amounts to at one moment. */
export interface Findings {
  /** The severest level that holds; null: none does. */
  readonly holding: Severity | null
  /** The severest level that has held for as long as the rule asks. */
  readonly counting: Severity | null
}

export interface Step {
  readonly phase: Phase
  /** What is to be told; null: nothing. */
  readonly told: { readonly kind: TransitionKind; readonly severity: Severity } | null
}

export const inactive: Phase = { kind: 'inactive' }
export const muted: Phase = { kind: 'muted' }

/** inactive → pending → firing → resolved, one step at a time; times are of one clock. */
export function nextStep(phase: Phase, findings: Findings, nowMs: number, keepFiringForMs: number): Step {
  const { holding, counting } = findings
  switch (phase.kind) {
    case 'inactive':
      if (counting !== null) return beginFiring(counting)
      if (holding === null) return { phase, told: null }
      return { phase: { kind: 'pending', severity: holding }, told: { kind: 'pending', severity: holding } }
    case 'pending':
      if (counting !== null) return beginFiring(counting)
      if (holding !== null) return { phase, told: null }
      return { phase: inactive, told: { kind: 'inactive', severity: phase.severity } }
    case 'firing':
      return stayFiring(phase, findings, nowMs, keepFiringForMs)
    case 'muted':
      return { phase: holding === null ? inactive : phase, told: null }
    default:
      return phase satisfies never
  }
}

function beginFiring(severity: Severity): Step {
  return { phase: { kind: 'firing', severity, clearSinceMs: null }, told: { kind: 'firing', severity } }
}

function stayFiring(
  phase: Phase & { readonly kind: 'firing' },
  { holding, counting }: Findings,
  nowMs: number,
  keepFiringForMs: number,
): Step {
  if (holding === null) {
    const clearSinceMs = phase.clearSinceMs ?? nowMs
    if (nowMs >= clearSinceMs + keepFiringForMs)
      return { phase: inactive, told: { kind: 'resolved', severity: phase.severity } }
    return { phase: phase.clearSinceMs === null ? { ...phase, clearSinceMs } : phase, told: null }
  }
  // It holds again after a pause, but not for long enough at any level: the severity stays as it was.
  const severity = counting ?? phase.severity
  if (severity !== phase.severity)
    return { phase: { kind: 'firing', severity, clearSinceMs: null }, told: { kind: 'severity', severity } }
  return { phase: phase.clearSinceMs === null ? phase : { ...phase, clearSinceMs: null }, told: null }
}
