import type { FrameKind } from '../../model/index.ts'
import type { LogPosition } from './message-log.ts'

/** Whoever waits for a frame; a connection that has gone wants nothing any more. */
export interface FrameOwner {
  readonly closed: boolean
}

export interface AppendFrame {
  readonly kind: FrameKind
  readonly flags: number
  readonly packetId: number
  readonly session: number
  readonly origin: Uint8Array
  readonly topic: string | Uint8Array
  readonly payload: Uint8Array
}

/**
 * The one way into the log on its writer's thread: stamps frames with a received time that never decreases, gathers
 * what one turn of the event loop brings into one batch, and appends it.
 */
export interface LogAppender {
  /**
   * Takes the frame, or throws why it cannot, and then never calls `done`: `log_full` (retryable) when too many bytes
   * wait already, `too_large`, `closed` once it is stopping, `log_failed` (final).
   * `done` is called once, never before the call returns, and must not throw. Of one owner they are called in the order
   * of his appends, whatever came of the frames. Without an error: the frame is on disk; these come in the order of the
   * calls, whoever the owners are. While the log is full the frame waits; when its owner closes meanwhile it is released
   * unwritten and `done` gets `closed`; `closed` or `log_failed` also when the log stops or fails before the frame is on
   * disk.
   * The frame's bytes are copied before the call returns, so the caller may reuse `frame` and its buffers.
   */
  append(frame: AppendFrame, owner: FrameOwner, done: (error: Error | undefined, position: LogPosition) => void): void
  /** Bytes gathered or waiting that are not on disk. */
  readonly waitingBytes: number
  /** True while the log has no room: QoS 0 is to be dropped by the caller (and counted), QoS 1 and 2 wait. */
  readonly full: boolean
  /** Received time of the newest frame. */
  readonly lastReceivedMs: number
  start(): void
  /** Flushes what was gathered, then stops the ticks. What a full log could not take is counted in the result. */
  stop(): Promise<{ readonly unwritten: number }>
}
