/** Writes a snapshot: little endian, strings and runs of bytes with their length before them. */
export class ByteWriter {
  #bytes: Buffer
  #view: DataView
  #length = 0

  constructor(capacity = 64 * 1024) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity)
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, capacity)
  }

  u32(value: number): void {
    this.#reserve(4)
    this.#view.setUint32(this.#length, value, true)
    this.#length += 4
  }

  f64(value: number): void {
    this.#reserve(8)
    this.#view.setFloat64(this.#length, value, true)
    this.#length += 8
  }

  text(value: string): void {
    // A UTF-16 unit takes at most three bytes.
    this.#reserve(4 + value.length * 3)
    const size = this.#bytes.write(value, this.#length + 4, 'utf8')
    this.#view.setUint32(this.#length, size, true)
    this.#length += 4 + size
  }

  run(value: Uint8Array): void {
    this.#reserve(4 + value.length)
    this.#view.setUint32(this.#length, value.length, true)
    this.#bytes.set(value, this.#length + 4)
    this.#length += 4 + value.length
  }

  /** The first `length` values, as they lie in memory: little endian on every machine that this runs on. */
  columns(values: Float64Array | Uint16Array, length: number): void {
    this.run(new Uint8Array(values.buffer, values.byteOffset, length * values.BYTES_PER_ELEMENT))
  }

  /** A view: valid until the next write. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const capacity = Math.max(this.#bytes.length * 2, this.#length + more)
    const wider = Buffer.allocUnsafeSlow(capacity)
    wider.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = wider
    this.#view = new DataView(wider.buffer, wider.byteOffset, capacity)
  }
}
