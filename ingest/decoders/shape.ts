import type { DeviceMemory } from '../memory/device-memory.ts'

/** Keys that one shape may hold, and their bytes with the quotes; a longer message is read by the general decoder. */
const mostKeys = 64
const mostBytes = 2048

/**
 * The keys of a device's last message, in order, as bytes (`"voltage"`), with the slots they stand for. Devices repeat
 * themselves, so the next message's keys are compared instead of read. Only a cache: its content changes no outcome.
 */
export class Shape {
  readonly bytes = new Uint8Array(mostBytes)
  readonly ends = new Uint16Array(mostKeys)
  readonly slots = new Int32Array(mostKeys)
  length = 0

  /** Cuts the shape to `count` keys and adds one; false: it does not fit, or is there already. */
  learn(count: number, key: Uint8Array, slot: number): boolean {
    this.length = count
    const start = count === 0 ? 0 : (this.ends[count - 1] ?? 0)
    const end = start + key.length
    if (count >= mostKeys || end > mostBytes || this.slots.subarray(0, count).includes(slot)) return false
    this.bytes.set(key, start)
    this.ends[count] = end
    this.slots[count] = slot
    this.length = count + 1
    return true
  }
}

export type ShapeOf = (device: DeviceMemory) => Shape

/** Shapes live as long as their devices. */
export function createShapes(): ShapeOf {
  const shapes = new WeakMap<DeviceMemory, Shape>()
  return (device) => {
    const known = shapes.get(device)
    if (known !== undefined) return known
    const fresh = new Shape()
    shapes.set(device, fresh)
    return fresh
  }
}
