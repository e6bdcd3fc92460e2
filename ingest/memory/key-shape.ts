/** Keys that one shape may hold, and their bytes with the quotes; a longer message is read by the general decoder. */
const mostKeys = 64
const mostBytes = 2048

/**
 * The keys of a device's last message, in order, as bytes (`"voltage"`), with the slots they stand for. Devices repeat
 * themselves, so the next message's keys are compared instead of read. Only a cache: its content changes no outcome.
 */
export class KeyShape {
  bytes = new Uint8Array(128)
  /** Where in `bytes` each key ends. */
  ends = new Uint16Array(8)
  slots = new Int32Array(8)
  length = 0

  /** Cuts the shape to `count` keys and adds one; false: it does not fit, or is there already. */
  learn(count: number, key: Uint8Array, slot: number): boolean {
    this.length = count
    const start = count === 0 ? 0 : (this.ends[count - 1] ?? 0)
    const end = start + key.length
    if (count >= mostKeys || end > mostBytes || this.slots.subarray(0, count).includes(slot)) return false
    if (end > this.bytes.length || count === this.ends.length) this.#grow(end)
    this.bytes.set(key, start)
    this.ends[count] = end
    this.slots[count] = slot
    this.length = count + 1
    return true
  }

  #grow(bytesNeeded: number): void {
    const { bytes, ends, slots } = this
    this.bytes = new Uint8Array(Math.max(bytes.length * 2, bytesNeeded))
    this.bytes.set(bytes)
    this.ends = new Uint16Array(ends.length * 2)
    this.ends.set(ends)
    this.slots = new Int32Array(slots.length * 2)
    this.slots.set(slots)
  }
}
