import type { Transition } from '../model/index.ts'
import type { LogPosition } from '../store/log/index.ts'
import type { TransitionSink } from './ports.ts'

/** Transitions on their way to where they are recorded; those that are recorded already come no further. */
export interface Recording {
  open(): Promise<LogPosition>
  add(transition: Transition): void
  readonly pending: number
  commit(position: LogPosition): Promise<void>
}

export function createRecording(sink: TransitionSink): Recording {
  let recorded: LogPosition = 0
  const waiting: Transition[] = []
  return {
    async open() {
      recorded = await sink.position()
      return recorded
    },
    add(transition) {
      if (transition.position > recorded) waiting.push(transition)
    },
    get pending() {
      return waiting.length
    },
    async commit(position) {
      if (position <= recorded) return
      // More may come while these are being recorded, and stays for the next time.
      const beyond = waiting.findIndex((transition) => transition.position > position)
      const batch = waiting.slice(0, beyond < 0 ? waiting.length : beyond)
      await sink.record(batch, position)
      waiting.splice(0, batch.length)
      recorded = position
    },
  }
}
