import type { Transition } from '../model/index.ts'
import type { LogPosition } from '../store/log/index.ts'

/** Where transitions are recorded; alerts implement it. */
export interface TransitionSink {
  /** How far transitions are recorded; 0 at first. */
  position(): Promise<LogPosition>
  /**
   * Records the transitions, in order, and the position they reach to, in one transaction; durable when it resolves.
   * The same position again changes nothing. Rejects with a retryable `store_unavailable` while state cannot take it.
   */
  record(transitions: readonly Transition[], position: LogPosition): Promise<void>
}
