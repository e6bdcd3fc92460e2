import type { FrameCursor } from '../model/index.ts'
import type { Effects } from './effects.ts'

/** One frame on its way through ingest. Hot: one object is used for all frames. */
export interface Step {
  readonly frame: FrameCursor
  readonly effects: Effects
  /** Whether the frame lies beyond what the readings store, and the rejected list, have already: frames that are read
   * again only restore the memory. */
  readonly newReadings: boolean
  readonly newRejections: boolean
}
