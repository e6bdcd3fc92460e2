export { type RedisConfig, redisConfigSchema } from './config.ts'
export { createRedis, type Redis, type RedisClient } from './redis.ts'
