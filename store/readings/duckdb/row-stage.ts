const dayMs = 86_400_000
const twoTo32 = 4_294_967_296

/**
 * Rows of one table on their way into it, column by column in the very layout of DuckDB's vectors, so that a chunk of
 * them is copied and nothing is converted: BIGINT as two 32-bit words, little endian; validity as one bit per row.
 */
export class RowStage {
  rows = 0
  /** Values set, over all rows. */
  valueCount = 0
  keys: Int32Array<ArrayBuffer>
  timesMs: Float64Array<ArrayBuffer>
  timeWords: Int32Array<ArrayBuffer>
  receivedWords: Int32Array<ArrayBuffer>
  deviceTimeWords: Int32Array<ArrayBuffer>
  deviceTimeValid: Uint8Array<ArrayBuffer>
  /** Two bits per column: columns 0 to 15 in the first word. */
  qualityWords: Int32Array<ArrayBuffer>
  values: Float64Array<ArrayBuffer>[] = []
  valid: Uint8Array<ArrayBuffer>[] = []
  #capacity: number

  constructor(columns: number, capacity = 2_048) {
    this.#capacity = capacity
    this.keys = new Int32Array(capacity)
    this.timesMs = new Float64Array(capacity)
    this.timeWords = new Int32Array(capacity * 2)
    this.receivedWords = new Int32Array(capacity * 2)
    this.deviceTimeWords = new Int32Array(capacity * 2)
    this.deviceTimeValid = new Uint8Array(capacity / 8)
    this.qualityWords = new Int32Array(capacity * 2)
    this.widen(columns)
  }

  /** Only between batches. */
  widen(columns: number): void {
    while (this.values.length < columns) {
      this.values.push(new Float64Array(this.#capacity))
      this.valid.push(new Uint8Array(this.#capacity / 8))
    }
  }

  clear(): void {
    const validBytes = (this.rows + 7) >> 3
    this.deviceTimeValid.fill(0, 0, validBytes)
    for (const valid of this.valid) valid.fill(0, 0, validBytes)
    this.rows = 0
    this.valueCount = 0
  }

  /** `deviceTimeMs` NaN: none. Returns the row's index. */
  start(key: number, timeMs: number, receivedMs: number, deviceTimeMs: number): number {
    if (this.rows === this.#capacity) this.#grow()
    const row = this.rows++
    this.keys[row] = key
    this.timesMs[row] = timeMs
    writeBigint(this.timeWords, row, timeMs)
    this.qualityWords[2 * row] = 0
    this.qualityWords[2 * row + 1] = 0
    this.stamp(row, receivedMs, deviceTimeMs)
    return row
  }

  /** What a row says of the last message that wrote to it. */
  stamp(row: number, receivedMs: number, deviceTimeMs: number): void {
    writeBigint(this.receivedWords, row, receivedMs)
    const at = row >> 3
    const bit = 1 << (row & 7)
    const bits = this.deviceTimeValid[at] ?? 0
    if (Number.isNaN(deviceTimeMs)) this.deviceTimeValid[at] = bits & ~bit
    else {
      writeBigint(this.deviceTimeWords, row, deviceTimeMs)
      this.deviceTimeValid[at] = bits | bit
    }
  }

  has(row: number, column: number): boolean {
    return (((this.valid[column]?.[row >> 3] ?? 0) >> (row & 7)) & 1) === 1
  }

  /** The last one wins. */
  set(row: number, column: number, value: number, quality: number): void {
    const values = this.values[column]
    const valid = this.valid[column]
    if (values === undefined || valid === undefined) throw new RangeError(`no column ${column} in the stage`)
    values[row] = value
    const at = row >> 3
    const bit = 1 << (row & 7)
    const bits = valid[at] ?? 0
    const again = (bits & bit) !== 0
    if (!again) {
      valid[at] = bits | bit
      this.valueCount++
    }
    if (quality === 0 && !again) return
    const word = 2 * row + (column >> 4)
    const shift = (column & 15) * 2
    this.qualityWords[word] = ((this.qualityWords[word] ?? 0) & ~(3 << shift)) | (quality << shift)
  }

  /** The rows' times by UTC day: oldest and newest of each. */
  spansByDay(): readonly { readonly fromMs: number; readonly toMs: number }[] {
    const spans = new Map<number, { fromMs: number; toMs: number }>()
    for (let row = 0; row < this.rows; row++) {
      const timeMs = this.timesMs[row] ?? 0
      const day = Math.floor(timeMs / dayMs)
      const span = spans.get(day)
      if (span === undefined) spans.set(day, { fromMs: timeMs, toMs: timeMs })
      else if (timeMs < span.fromMs) span.fromMs = timeMs
      else if (timeMs > span.toMs) span.toMs = timeMs
    }
    return [...spans.values()]
  }

  #grow(): void {
    this.#capacity *= 2
    this.keys = wider(this.keys, new Int32Array(this.#capacity))
    this.timesMs = wider(this.timesMs, new Float64Array(this.#capacity))
    this.timeWords = wider(this.timeWords, new Int32Array(this.#capacity * 2))
    this.receivedWords = wider(this.receivedWords, new Int32Array(this.#capacity * 2))
    this.deviceTimeWords = wider(this.deviceTimeWords, new Int32Array(this.#capacity * 2))
    this.deviceTimeValid = wider(this.deviceTimeValid, new Uint8Array(this.#capacity / 8))
    this.qualityWords = wider(this.qualityWords, new Int32Array(this.#capacity * 2))
    this.values = this.values.map((column) => wider(column, new Float64Array(this.#capacity)))
    this.valid = this.valid.map((column) => wider(column, new Uint8Array(this.#capacity / 8)))
  }
}

/** A whole number of at most 53 bits as two's complement, without a BigInt per value. */
function writeBigint(words: Int32Array, row: number, value: number): void {
  words[2 * row] = value
  words[2 * row + 1] = Math.floor(value / twoTo32)
}

function wider<T extends Int32Array | Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from)
  return to
}
