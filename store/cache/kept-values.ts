import { LRUCache } from 'lru-cache'

/** Values of one process that are not worth their bytes: what was not used for longest makes room. */
export interface KeptValues<Value> {
  get(key: string): Value | undefined
  set(key: string, value: Value): void
}

export interface KeptValuesOptions<Value> {
  /** Of all sizes together; a value that is larger is not kept. */
  readonly maxSize: number
  /** A whole number above 0. */
  sizeOf(value: Value): number
}

export function createKeptValues<Value extends object>(options: KeptValuesOptions<Value>): KeptValues<Value> {
  const kept = new LRUCache<string, Value>({ maxSize: options.maxSize, sizeCalculation: options.sizeOf })
  return { get: (key) => kept.get(key), set: (key, value) => void kept.set(key, value) }
}
