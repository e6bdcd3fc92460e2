/**
 * Rollups are kept per fixed slot of UTC time. A quarter of an hour, because the offset of every zone in use is a multiple of
 * it: hours, days and months of any site are made of whole slots.
 */
export const slotMs = 900_000

/** Half-open [fromMs, toMs), epoch ms. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** Where the slot that holds the time begins. */
export function slotStart(timeMs: number): number {
  return Math.floor(timeMs / slotMs) * slotMs
}

/** The first begin of a slot at or after the time. */
export function slotEnd(timeMs: number): number {
  return Math.ceil(timeMs / slotMs) * slotMs
}
