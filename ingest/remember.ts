import type { LogPosition } from '../store/log/index.ts'
import { encodeMemory } from './memory/codec.ts'
import type { Memory } from './memory/memory.ts'
import type { Evaluator } from './ports.ts'

/** The memory of an evaluator, and how far it had come; that may be further than the memory beside it. */
export interface EvaluatorState {
  readonly position: LogPosition
  readonly bytes: Uint8Array
}

/** What goes into a snapshot, taken in one go. */
export interface Remembered {
  readonly memory: Uint8Array
  /** Undefined: there was none. */
  readonly evaluator: EvaluatorState | undefined
}

export type Remember = (memory: Memory) => Remembered

/** `judgedPosition`: how far the evaluator has come. */
export function createRemember(evaluator: Evaluator | undefined, judgedPosition: () => LogPosition): Remember {
  /** Size of the memory the last time. */
  let memoryBytes = 0

  return (memory) => {
    const encoded = encodeMemory(memory, Math.ceil(memoryBytes * 1.1))
    memoryBytes = encoded.length
    if (evaluator === undefined) return { memory: encoded, evaluator }
    return { memory: encoded, evaluator: { position: judgedPosition(), bytes: evaluator.encode() } }
  }
}
