import type { SessionChange } from '../session-store.ts'

/** Rough cost of an entry beside its bytes. */
const overheadBytes = 64

/**
 * LMDB never gives back the memory of its largest transaction: 10,000 scattered changes at once cost 125 MB for ever,
 * 1,000 cost 35, and little time is lost by more commits.
 */
const fullAt = 1_000

/** Changes that go to disk together; the last one of a key counts. */
export class PendingChanges {
  readonly done: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  bytes = 0
  readonly #changes: Map<string, SessionChange>
  #sealed = false

  constructor(changes = new Map<string, SessionChange>()) {
    this.#changes = changes
    for (const change of changes.values()) this.bytes += cost(change)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.done = promise
    this.resolve = resolve
    this.reject = reject
    // Whoever waits hears of a failure; that nobody waits is no reason to end the process.
    promise.catch(() => {})
  }

  /** No more are to be added. */
  get isFull(): boolean {
    return this.#sealed || this.#changes.size >= fullAt
  }

  seal(): void {
    this.#sealed = true
  }

  add(change: SessionChange): void {
    const name = keyName(change.key)
    const before = this.#changes.get(name)
    if (before !== undefined) this.bytes -= cost(before)
    this.bytes += cost(change)
    this.#changes.set(name, change)
  }

  find(key: Uint8Array): SessionChange | undefined {
    return this.#changes.size === 0 ? undefined : this.#changes.get(keyName(key))
  }

  collect(from: Uint8Array, to: Uint8Array, into: Map<string, SessionChange>): void {
    const first = keyName(from)
    const end = keyName(to)
    for (const [name, change] of this.#changes) if (name >= first && name < end) into.set(name, change)
  }

  values(): Iterable<SessionChange> {
    return this.#changes.values()
  }

  /** The same changes, for those who wait from now on. */
  again(): PendingChanges {
    const again = new PendingChanges(this.#changes)
    if (this.#sealed) again.seal()
    return again
  }
}

/** One character per byte, so that strings compare as the bytes do. */
function keyName(key: Uint8Array): string {
  const buffer = Buffer.isBuffer(key) ? key : Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  return buffer.toString('latin1')
}

function cost(change: SessionChange): number {
  return change.key.length + (change.value?.length ?? 0) + overheadBytes
}
