export interface SessionEntry {
  readonly key: Buffer
  readonly value: Buffer
}

export interface SessionChange {
  readonly key: Uint8Array
  /** Undefined: the key goes. */
  readonly value: Uint8Array | undefined
}

export interface SessionStoreStats {
  /** Bytes on disk. */
  readonly bytes: number
  /** Bytes written that have not reached the disk yet. */
  readonly pendingBytes: number
}

/**
 * Where MQTT sessions rest: keys in byte order, one writer. A write is seen at once and travels to the disk behind it,
 * many together; whoever must not answer before it is safe waits for `flushed`. What survives a crash is everything up
 * to some write, and nothing after it.
 */
export interface SessionStore {
  /** Opens or makes the store. Rejects with `store_failed` when what is there is damaged or something else. */
  open(): Promise<void>
  /** A copy, as of the last write. */
  get(key: Uint8Array): Buffer | undefined
  /** Copies of the first `limit` entries in [from, to), ascending, as of the last write. */
  range(from: Uint8Array, to: Uint8Array, limit: number): readonly SessionEntry[]
  /** Takes the changes, all or none, behind those of earlier calls. Their bytes must not change afterwards. */
  write(changes: readonly SessionChange[]): void
  /**
   * Resolves when everything written so far is on disk. Rejects with `store_unavailable` (retryable) when the disk did
   * not take it: the store keeps it, goes on answering, and tries again by itself.
   */
  flushed(): Promise<void>
  stats(): SessionStoreStats
  /** Flushes what is pending, then closes. Nothing may follow. Rejects like `flushed`; it is closed all the same. */
  close(): Promise<void>
}
