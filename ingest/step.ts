import type { FrameCursor } from '../model/index.ts'
import type { LogPosition } from '../store/log/index.ts'
import type { Effects } from './effects.ts'
import type { Evaluator } from './ports.ts'

/** One frame on its way through ingest. Hot: one object is used for all frames. */
export interface Step {
  readonly frame: FrameCursor
  /** Where the frame ends. */
  readonly position: LogPosition
  readonly effects: Effects
  /** Whether the frame lies beyond what the readings store, and the rejected list, have already: frames that are read
   * again only restore the memory. */
  readonly newReadings: boolean
  readonly newRejections: boolean
  /** Who judges it; undefined: nobody, or it has been. */
  readonly evaluator: Evaluator | undefined
}
