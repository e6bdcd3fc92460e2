import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { AppError } from '../../model/index.ts'
import type { Redis } from '../redis/index.ts'
import { createBoundedKeys } from './bounded-keys.ts'
import { limiterClient } from './limiter-client.ts'

/** How often one key may do something: `limit` times in a window that begins with the first. */
export interface LimitRule {
  readonly limit: number
  readonly windowS: number
}

/** One use, and how much is left of the window. */
export interface Taken {
  readonly allowed: boolean
  readonly limit: number
  readonly remaining: number
  readonly resetMs: number
}

export interface Limits<Kind extends string> {
  /** Counts one use. Never rejects; undefined where the kind has no limit. */
  take(kind: Kind, key: string): Promise<Taken | undefined>
  /** Begins to count anew: what was counted was no misuse. Never rejects. */
  forget(kind: Kind, key: string): Promise<void>
}

export interface LimitsDeps {
  /** Where platforms that share it count together; without it, and while it is not usable, each counts for itself. */
  readonly redis: Redis | undefined
  /** Told of each key that shares a counter because there are too many. */
  readonly onCrowded?: (() => void) | undefined
}

/** Keys of one kind that are counted apart at most; some 200 bytes each. */
const maxKeys = 20_000

/** A rule of 0 uses is no limit. */
export function createLimits<Kind extends string>(
  rules: Readonly<Record<Kind, LimitRule>>,
  { redis, onCrowded }: LimitsDeps,
): Limits<Kind> {
  const limiters = new Map<string, Limiter>()
  for (const [kind, rule] of Object.entries<LimitRule>(rules))
    if (rule.limit > 0) limiters.set(kind, createLimiter(kind, rule, { redis, onCrowded }))
  return {
    take: async (kind, key) => limiters.get(kind)?.take(key),
    forget: async (kind, key) => limiters.get(kind)?.forget(key),
  }
}

interface Limiter {
  take(key: string): Promise<Taken>
  forget(key: string): Promise<void>
}

function createLimiter(kind: string, { limit, windowS }: LimitRule, { redis, onCrowded }: LimitsDeps): Limiter {
  const options = { keyPrefix: `pelbiot:limit:${kind}`, points: limit, duration: windowS }
  const memory = new RateLimiterMemory(options)
  const limiter =
    redis === undefined
      ? memory
      : new RateLimiterRedis({
          ...options,
          storeClient: limiterClient(redis),
          rejectIfRedisNotReady: true,
          insuranceLimiter: memory,
          // Whoever is over the limit is refused from memory until the window is over.
          inMemoryBlockOnConsumed: limit,
        })
  const bounded = createBoundedKeys({ maxKeys, windowMs: windowS * 1000, onCrowded })

  return {
    async take(key) {
      try {
        const { remainingPoints, msBeforeNext } = await limiter.consume(bounded(key))
        return { allowed: true, limit, remaining: remainingPoints, resetMs: msBeforeNext }
      } catch (error) {
        if (error instanceof RateLimiterRes) return { allowed: false, limit, remaining: 0, resetMs: error.msBeforeNext }
        throw new AppError('internal', `count a use of ${kind} failed`, { cause: error })
      }
    },
    async forget(key) {
      await memory.delete(bounded(key))
      // Where Redis does not answer the count ends by itself.
      if (limiter !== memory) await limiter.delete(bounded(key)).catch(() => false)
    },
  }
}
