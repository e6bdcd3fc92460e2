/**
 * A place in the log: ordered, and opaque but for this: a frame's position is that of its slice's start plus the offset
 * of the frame's end. 0 is before the first frame. Safe integers.
 */
export type LogPosition = number

export interface LogSlice {
  /** Position before the first byte. */
  readonly start: LogPosition
  /** Whole frames (model/frame.ts), back to back; empty when there is nothing yet. Valid until the next read. */
  readonly bytes: Uint8Array
  /** Position after the last byte; read on from here. */
  readonly end: LogPosition
}

export interface LogConsumerStats {
  readonly name: string
  /** It has taken everything up to here: where its reader last read on, or what it has released if that is more. */
  readonly position: LogPosition
  /** Bytes of log between `position` and the durable end. */
  readonly lag: number
  /** Nothing at or before it is needed by the consumer any more: as far as it goes, this may be trimmed. */
  readonly released: LogPosition
}

export interface LogStats {
  /** Position before the oldest frame still there. */
  readonly tail: LogPosition
  /** Position after the newest frame written. */
  readonly head: LogPosition
  /** Position up to which frames are on disk; head - durable is in flight. */
  readonly durable: LogPosition
  /** Bytes on disk. */
  readonly bytes: number
  readonly maxBytes: number
  readonly full: boolean
  readonly commits: number
  readonly consumers: readonly LogConsumerStats[]
}

/** What a consumer needs; also opened by threads other than the writer's. */
export interface LogReader {
  /**
   * Whole durable frames after `position`, up to about `maxBytes` (one frame that is larger comes whole). Never a byte
   * beyond the durable position. Throws `not_found` when `position` has been trimmed away or lies beyond the end,
   * `log_failed` when what is on disk is damaged. One reader serves one run of positions that goes forward.
   */
  read(position: LogPosition, maxBytes: number): Promise<LogSlice>
  /** Resolves when there is something durable after `position`, with the signal, or when the reader is closed. */
  waitForMore(position: LogPosition, signal: AbortSignal): Promise<void>
  /** Permits trimming up to `position` as far as this consumer goes; nothing resumes from it. Never goes back. */
  release(consumer: string, position: LogPosition): void
  stats(): LogStats
  /** Every later read rejects with `closed`. */
  close(): Promise<void>
}

/** The durable order of everything that happened. One writer; many readers. */
export interface MessageLog extends LogReader {
  /** Received time of the newest durable frame, epoch ms; 0 while there is none. Survives a restart. */
  readonly lastReceivedMs: number
  /**
   * Resolves with the position of the batch's last frame once all of it is on disk; calls resolve in the order they
   * were made. `frames` must not change until then. Rejects with `log_full` when there is no room (nothing was written,
   * retryable), with `log_failed` when the disk can no longer be trusted (final: every later call rejects alike), with
   * `too_large` when a batch could not be written even to an empty log, with `invalid_input` when it is not whole frames.
   */
  append(frames: Uint8Array): Promise<LogPosition>
  /** Removes what every consumer has released. Called by the log itself as it grows; safe to call at any time. */
  trim(): Promise<void>
  /** Resolves when a full log has room again, or will never have (the next append says why), or with the signal. */
  waitForRoom(signal: AbortSignal): Promise<void>
}
