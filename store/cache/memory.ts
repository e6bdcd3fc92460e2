import { LRUCache } from 'lru-cache'
import type { Cache } from './cache.ts'

export interface MemoryCacheOptions {
  /** Of all keys and values; what was not used for longest makes room. One value has at most an eighth of it. */
  readonly maxBytes: number
}

/** What an entry costs beside its key and its value, about. */
const entryBytes = 200

export function createMemoryCache({ maxBytes }: MemoryCacheOptions): Cache {
  const kept = new LRUCache<string, Uint8Array>({
    maxSize: maxBytes,
    maxEntrySize: Math.ceil(maxBytes / 8),
    sizeCalculation: (value, key) => value.byteLength + key.length + entryBytes,
  })
  return {
    get: async (key) => kept.get(key),
    set(key, value, ttlMs) {
      // To the library a TTL of 0 is none.
      if (ttlMs >= 1) kept.set(key, value, { ttl: Math.floor(ttlMs) })
    },
  }
}
