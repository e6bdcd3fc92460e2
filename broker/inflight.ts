import type { PublishPacket } from 'aedes'
import type { IncomingPacket } from './ports.ts'
import type { TopicEntry } from './topic-table.ts'

const firstCapacity = 16
/** A ring larger than this is given back when it is empty: an idle connection costs nothing. */
const keptCapacity = 64

/** What is to follow once a message is durable; with QoS 1 and nobody who wants it, PUBACK alone. */
export type Sequel =
  /** It may have to go to subscribers and retained messages. */
  | { readonly kind: 'delivery'; readonly packet: PublishPacket; readonly entry: TopicEntry }
  /** It is of QoS 2. */
  | { readonly kind: 'exchange'; readonly message: IncomingPacket }

/**
 * Messages of one connection on their way to the disk, in the order in which they were appended, which is the order in
 * which they become durable. Parallel rings, so that a message costs no object.
 */
export class Inflight {
  count = 0
  bytes = 0
  #head = 0
  #ids = new Uint16Array(0)
  #sizes = new Uint32Array(0)
  #sequels: (Sequel | undefined)[] = []

  push(packetId: number, size: number, sequel: Sequel | undefined): void {
    if (this.count === this.#ids.length) this.#grow()
    const at = (this.#head + this.count) & (this.#ids.length - 1)
    this.#ids[at] = packetId
    this.#sizes[at] = size
    this.#sequels[at] = sequel
    this.count++
    this.bytes += size
  }

  get headId(): number {
    return this.#ids[this.#head] ?? 0
  }

  get headSequel(): Sequel | undefined {
    return this.#sequels[this.#head]
  }

  shift(): void {
    if (this.count === 0) return
    this.bytes -= this.#sizes[this.#head] ?? 0
    this.#sequels[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#ids.length - 1)
    this.count--
    if (this.count === 0 && this.#ids.length > keptCapacity) this.#resize(0)
  }

  #grow(): void {
    this.#resize(Math.max(firstCapacity, this.#ids.length * 2))
  }

  /** To a power of two, or 0 when nothing is in it. */
  #resize(capacity: number): void {
    const ids = new Uint16Array(capacity)
    const sizes = new Uint32Array(capacity)
    const sequels = new Array<Sequel | undefined>(capacity)
    for (let i = 0; i < this.count; i++) {
      const from = (this.#head + i) & (this.#ids.length - 1)
      ids[i] = this.#ids[from] ?? 0
      sizes[i] = this.#sizes[from] ?? 0
      sequels[i] = this.#sequels[from]
    }
    this.#head = 0
    this.#ids = ids
    this.#sizes = sizes
    this.#sequels = sequels
  }
}
