import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'
import { createRedis, type Redis, type RedisConfig } from '../store/redis/index.ts'

/** The Redis that is configured, if one is; it connects in the background, and `/metrics` tells whether it is of use. */
export function openRedis({ url, ...config }: RedisConfig, metrics: Registry, logger: Logger): Redis | undefined {
  if (url === undefined) return undefined
  const redis = createRedis({ ...config, url }, logger)
  new Gauge({
    name: 'pelbiot_redis_up',
    help: '1 while Redis is used, 0 while memory stands in for it',
    registers: [metrics],
    collect() {
      this.set(redis.isUsable ? 1 : 0)
    },
  })
  redis.start()
  return redis
}
