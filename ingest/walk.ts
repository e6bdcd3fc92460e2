import { AppError, FrameCursor, frameKind } from '../model/index.ts'
import type { LogPosition, LogSlice } from '../store/log/index.ts'
import type { Positions } from './committer.ts'
import type { Gatherer } from './gatherer.ts'
import type { Memory } from './memory/memory.ts'
import type { Pass } from './pass.ts'
import type { Evaluator } from './ports.ts'

/** Bytes of log taken before others have their turn: one to two milliseconds of work, ten where nothing is usual. */
const turnBytes = 128 * 1024

/** Where a walk begins, and what of the log has had its effects before. */
export interface Beginning {
  readonly position: LogPosition
  /** What lies before only restores the memory. */
  readonly stored: Positions
  /** The evaluator's memory is as of here: what lies before is not for it. */
  readonly judged: LogPosition
}

/** One way through the log, forwards, in turns between which others may act. */
export interface Walk {
  readonly memory: Memory
  /** Frames up to here are in the memory. */
  readonly position: LogPosition
  /** Whether what it meets is gathered to be stored; otherwise another walk does that. */
  gathering: boolean
  start(from: Beginning): void
  /** The slice to be taken next; it begins at `position`. */
  enter(slice: LogSlice): void
  /** Takes frames until the turn is over or the batch full; false when the slice, or the log up to `until`, is. */
  takeTurn(until?: LogPosition): boolean
}

export function createWalk(pass: Pass, gatherer: Gatherer, evaluator: Evaluator | undefined): Walk {
  const frame = new FrameCursor()
  const step = {
    frame,
    position: 0,
    effects: gatherer.effects,
    newReadings: false,
    newRejections: false,
    evaluator,
  }
  let beginning: Beginning = { position: 0, stored: { readings: 0, ledger: 0 }, judged: 0 }
  let slice: LogSlice = { start: 0, bytes: frame.bytes, end: 0 }
  let position: LogPosition = 0
  let gathering = true

  function take(): void {
    const { stored, judged } = beginning
    step.position = position
    step.effects = gatherer.effects
    step.newReadings = gathering && position > stored.readings
    step.newRejections = gathering && position > stored.ledger
    step.evaluator = position > judged ? evaluator : undefined
    pass.handle(step)
    if (gathering && frame.kind !== frameKind.tick) gatherer.noteEvent()
  }

  return {
    memory: pass.memory,
    get position() {
      return position
    },
    get gathering() {
      return gathering
    },
    set gathering(value) {
      gathering = value
    },
    start(from) {
      beginning = from
      position = from.position
    },
    enter(next) {
      slice = next
      frame.reset(next.bytes)
    },
    takeTurn(until = Number.POSITIVE_INFINITY) {
      const turnEnd = frame.end + turnBytes
      while (frame.next()) {
        const frameEnd = slice.start + frame.end
        if (frameEnd > until) {
          position = until
          return false
        }
        position = frameEnd
        take()
        if (frame.end >= turnEnd || (gathering && gatherer.full)) return true
      }
      if (frame.end !== slice.bytes.length)
        throw new AppError('log_failed', `read the log failed: no whole frame at ${slice.start + frame.end}`)
      position = Math.min(slice.end, until)
      return false
    },
  }
}
