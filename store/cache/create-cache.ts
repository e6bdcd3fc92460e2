import type { Logger } from 'pino'
import type { Redis } from '../redis/index.ts'
import type { Cache } from './cache.ts'
import type { CacheConfig } from './config.ts'
import { createMemoryCache } from './memory.ts'
import { createRedisCache } from './redis.ts'

/** In memory, and in Redis where there is one. */
export function createCache(
  { memoryMb, ...options }: CacheConfig,
  { redis, logger }: { readonly redis: Redis | undefined; readonly logger: Logger },
): Cache {
  const memory = createMemoryCache({ maxBytes: memoryMb * 1024 * 1024 })
  return redis === undefined ? memory : createRedisCache(options, { redis, memory, logger })
}
