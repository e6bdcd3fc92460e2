/** A moment that is known only to lie between two, both inclusive, epoch ms. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** How long it can have been from the one to the other: at least, at most. */
export function between(earlier: Span, later: Span): { readonly leastMs: number; readonly mostMs: number } {
  return { leastMs: Math.max(0, later.fromMs - earlier.toMs), mostMs: Math.max(0, later.toMs - earlier.fromMs) }
}
