export interface SessionEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export interface SessionChange {
  readonly key: Uint8Array
  /** Undefined: the key goes. */
  readonly value: Uint8Array | undefined
}

export interface SessionStoreStats {
  /** Bytes on disk. */
  readonly bytes: number
  /** Bytes written that have not reached the store's file yet. */
  readonly pendingBytes: number
}

/**
 * Where MQTT sessions rest: keys in byte order, with one writer. A write is seen at once and travels to the disk behind
 * it, many together; who must not answer before it is safe waits for `committed` or `flushed`. What survives a crash is
 * always everything up to some write, and nothing after it.
 */
export interface SessionStore {
  /** Opens or makes the store. Throws `store_failed` when what is there is not a session store or is damaged. */
  open(): Promise<void>
  /** The value as of the last `write`. A copy. */
  get(key: Uint8Array): Uint8Array | undefined
  /** The first `limit` entries in [from, to), ascending, as of the last `write` before the call or a later one. */
  range(from: Uint8Array, to: Uint8Array, limit: number): Promise<readonly SessionEntry[]>
  /** Takes the changes, all or none of them; later calls follow earlier ones. The bytes must not change afterwards. */
  write(changes: readonly SessionChange[]): void
  /**
   * Resolves when everything written so far survives the death of this process. Rejects with `store_unavailable`
   * (retryable) when the disk would not take it; the store keeps it and tries again.
   */
  committed(): Promise<void>
  /** As `committed`, and it survives the loss of power too. */
  flushed(): Promise<void>
  stats(): SessionStoreStats
  /** Writes and flushes what is pending, then closes. Nothing may follow. */
  close(): Promise<void>
}
