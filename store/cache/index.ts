export { type Cache, cacheWithin } from './cache.ts'
export { type CacheConfig, cacheConfigSchema } from './config.ts'
export { createMemoryCache } from './memory.ts'
export { createSingleFlight, type SingleFlight } from './single-flight.ts'
