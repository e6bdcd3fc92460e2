import type { SessionChange } from '../session-store.ts'

/** Rough cost of an entry beside its bytes. */
const overheadBytes = 64

/** Changes that go to disk together; the last one of a key counts. */
export class PendingChanges {
  readonly done: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  bytes = 0
  #changes = new Map<string, SessionChange>()

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.done = promise
    this.resolve = resolve
    this.reject = reject
    // Whoever waits hears of a failure; that nobody waits is no reason to end the process.
    promise.catch(() => {})
  }

  get size(): number {
    return this.#changes.size
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

  /** These changes, then the later ones; who waits for the later ones waits for all. */
  followedBy(later: PendingChanges): PendingChanges {
    const own = this.#changes
    const both = new Map(own)
    for (const [name, change] of later.#changes) both.set(name, change)
    later.#changes = both
    later.bytes = 0
    for (const change of both.values()) later.bytes += cost(change)
    return later
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
