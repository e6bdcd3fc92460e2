const firstBytes = 256

/** Acks of one connection, four bytes each, until they leave in one write. */
export class AckBuffer {
  #bytes: Buffer | undefined
  #length = 0

  /** True: it is the first since the last `take`. */
  add(firstByte: number, packetId: number): boolean {
    const isFirst = this.#bytes === undefined
    let bytes = this.#bytes ?? Buffer.allocUnsafe(firstBytes)
    if (this.#length + 4 > bytes.length) bytes = Buffer.concat([bytes], bytes.length * 2)
    bytes[this.#length++] = firstByte
    bytes[this.#length++] = 2
    bytes[this.#length++] = packetId >> 8
    bytes[this.#length++] = packetId & 0xff
    this.#bytes = bytes
    return isFirst
  }

  take(): Buffer | undefined {
    const acks = this.#bytes?.subarray(0, this.#length)
    this.#bytes = undefined
    this.#length = 0
    return acks
  }
}
