import { fixedHeaderBytes, remainingLength, type Violation, violations } from './strict/index.ts'

/** What a reader does with what it finds: `at` a packet's first byte, `body` behind its fixed header, `end` its end. */
export interface PacketTarget {
  /** False: what is left waits for the next `take`. */
  mayTake(): boolean
  packet(bytes: Buffer, at: number, body: number, end: number): Violation | undefined
  /** The end is missing. Answers how many bytes from `at` on are worth looking at again: at most up to `end`. */
  partial(bytes: Buffer, at: number, body: number, end: number): number | Violation
}

/**
 * Cuts a stream into packets where its chunks lie, without copying them. Chunks of a packet that is not whole are
 * gathered and joined once.
 */
export class PacketReader {
  #parts: Buffer[] = []
  #bytes = 0
  #neededBytes = 0

  add(chunk: Buffer): void {
    this.#parts.push(chunk)
    this.#bytes += chunk.length
  }

  /** There is something that has not been looked at yet. */
  get isReady(): boolean {
    return this.#bytes > 0 && this.#bytes >= this.#neededBytes
  }

  /** Hands over whole packets as long as they are wanted. After a violation the reader is of no use any more. */
  take(target: PacketTarget): Violation | undefined {
    const bytes = this.#join()
    let at = 0
    this.#neededBytes = 0
    while (at < bytes.length && target.mayTake()) {
      const header = fixedHeaderBytes(bytes, at, bytes.length)
      if (header < 0) return violations.remainingLength
      if (header === 0) {
        this.#neededBytes = bytes.length - at + 1
        break
      }
      const body = at + header
      const end = body + remainingLength(bytes, at, header)
      if (end > bytes.length) {
        const needed = target.partial(bytes, at, body, end)
        if (typeof needed !== 'number') return needed
        this.#neededBytes = needed
        break
      }
      const violation = target.packet(bytes, at, body, end)
      if (violation !== undefined) return violation
      at = end
    }
    this.#keep(bytes, at)
    return undefined
  }

  clear(): void {
    this.#parts = []
    this.#bytes = 0
    this.#neededBytes = 0
  }

  #join(): Buffer {
    const [first] = this.#parts
    return this.#parts.length === 1 && first !== undefined ? first : Buffer.concat(this.#parts, this.#bytes)
  }

  /** A packet's beginning that waits for its end must not keep a whole read buffer alive for it. */
  #keep(bytes: Buffer, from: number): void {
    const rest = bytes.subarray(from)
    this.#parts = rest.length === 0 ? [] : [rest.length * 4 < bytes.length ? Buffer.from(rest) : rest]
    this.#bytes = rest.length
  }
}
