import { AppError } from '../../model/index.ts'
import type { Redis } from '../redis/index.ts'

interface Script {
  readonly numberOfKeys: number
  readonly lua: string
}

/** As much of an ioredis client as RateLimiterRedis uses, so that each of its commands has the deadline of ours. */
export function limiterClient(redis: Redis) {
  let lua = ''
  return {
    /** Anything but `ready`: the limiter does not even ask. */
    get status() {
      return redis.isUsable ? 'ready' : 'end'
    },
    defineCommand(_name: string, script: Script) {
      lua = script.lua
    },
    async del(key: string) {
      const answer = await redis.attempt((client) => client.del(key))
      if (answer === undefined)
        throw new AppError('store_unavailable', 'forget a count in redis failed', { retryable: true })
      return answer
    },
    async rlflxIncr([key = '', ...numbers]: string[]) {
      const answer = await redis.attempt((client) => client.eval(lua, 1, key, ...numbers))
      if (answer === undefined) throw new AppError('store_unavailable', 'count in redis failed', { retryable: true })
      return answer
    },
  }
}
