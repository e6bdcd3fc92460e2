/** Writes a snapshot: little endian, strings and runs of bytes with their length before them. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(64 * 1024)
  #length = 0

  u32(value: number): void {
    this.#reserve(4)
    this.#length = this.#bytes.writeUInt32LE(value, this.#length)
  }

  f64(value: number): void {
    this.#reserve(8)
    this.#length = this.#bytes.writeDoubleLE(value, this.#length)
  }

  text(value: string): void {
    const size = Buffer.byteLength(value)
    this.u32(size)
    this.#reserve(size)
    this.#bytes.write(value, this.#length, 'utf8')
    this.#length += size
  }

  run(value: Uint8Array): void {
    this.u32(value.length)
    this.#reserve(value.length)
    this.#bytes.set(value, this.#length)
    this.#length += value.length
  }

  /** A typed array's values; written as they lie in memory, which is little endian on every machine Node runs on here. */
  columns(value: Float64Array, length: number): void {
    this.run(new Uint8Array(value.buffer, value.byteOffset, length * Float64Array.BYTES_PER_ELEMENT))
  }

  /** A view: valid until the next write. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const wider = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + more))
    wider.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = wider
  }
}
