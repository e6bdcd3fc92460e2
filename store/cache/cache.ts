/**
 * What was worked out before and may be forgotten at any moment. A key names the value for good: whoever keeps something that
 * changes puts what it depends on into the key.
 */
export interface Cache {
  /**
   * Undefined is a miss, whatever the reason. Never rejects, and never waits longer than the adapter's deadline. The bytes are
   * not a copy: nobody may write into them, nor into those that were given to `set`.
   */
  get(key: string): Promise<Uint8Array | undefined>
  /** Returns at once; perhaps nothing is kept, for instance of a value that is too large, or for less than 1 ms. */
  set(key: string, value: Uint8Array, ttlMs: number): void
}

/** The part of a cache whose keys nobody else has who calls it by another name. */
export function cacheWithin(cache: Cache, name: string): Cache {
  return {
    get: (key) => cache.get(`${name}:${key}`),
    set: (key, value, ttlMs) => cache.set(`${name}:${key}`, value, ttlMs),
  }
}
