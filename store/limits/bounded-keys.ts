import { createHash } from 'node:crypto'

export interface BoundedKeysOptions {
  readonly maxKeys: number
  /** A key that was not used for so long makes room. */
  readonly windowMs: number
  onCrowded?: (() => void) | undefined
}

/** Counters that all keys share which came when there were too many. */
const sharedCounters = 256

/**
 * Names the counter of a key: its own, while no more than `maxKeys` are in use; those that come when there are more share
 * a few hundred. So a flood of addresses costs bounded memory, and takes its own counters from nobody who was there.
 */
export function createBoundedKeys({ maxKeys, windowMs, onCrowded }: BoundedKeysOptions): (key: string) => string {
  // In the order of their beginnings, which is that of their ends.
  const endsMs = new Map<string, number>()

  return (key) => {
    const nowMs = performance.now()
    for (const [old, endMs] of endsMs) {
      if (endMs > nowMs) break
      endsMs.delete(old)
    }
    if (endsMs.has(key)) return key
    if (endsMs.size < maxKeys) {
      endsMs.set(key, nowMs + windowMs)
      return key
    }
    onCrowded?.()
    return `shared:${createHash('sha256').update(key).digest().readUInt8(0) % sharedCounters}`
  }
}
