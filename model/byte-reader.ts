/** Reads what a ByteWriter wrote; throws a RangeError where there is less than it should. */
export class ByteReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  u32(): number {
    const value = this.#bytes.readUInt32LE(this.#at)
    this.#at += 4
    return value
  }

  f64(): number {
    const value = this.#bytes.readDoubleLE(this.#at)
    this.#at += 8
    return value
  }

  text(): string {
    return this.run().toString('utf8')
  }

  /** A copy. */
  run(): Buffer {
    const size = this.u32()
    const end = this.#at + size
    if (end > this.#bytes.length) throw new RangeError(`read ${size} bytes of a snapshot failed: it ends before`)
    const value = Buffer.from(this.#bytes.subarray(this.#at, end))
    this.#at = end
    return value
  }

  float64s(): Float64Array {
    const bytes = this.run()
    const values = new Float64Array(bytes.length / Float64Array.BYTES_PER_ELEMENT)
    new Uint8Array(values.buffer).set(bytes)
    return values
  }

  uint16s(): Uint16Array {
    const bytes = this.run()
    const values = new Uint16Array(bytes.length / Uint16Array.BYTES_PER_ELEMENT)
    new Uint8Array(values.buffer).set(bytes)
    return values
  }

  get done(): boolean {
    return this.#at === this.#bytes.length
  }
}
