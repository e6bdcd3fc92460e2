import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createLimits } from '../../../store/limits/index.ts'
import { createRedis, redisConfigSchema } from '../../../store/redis/index.ts'
import { startRedis } from '../../setup/redis-server.ts'
import { describeWith } from '../../setup/require-tool.ts'
import { waitUntil } from '../../setup/wait.ts'

/** One of several platforms on the same Redis. */
async function join(url: string, limit = 5) {
  const config = redisConfigSchema.parse({ url, deadlineMs: 500, retryMinMs: 10, retryMaxMs: 50 })
  const redis = createRedis({ ...config, url }, pino({ level: 'silent' }))
  redis.start()
  await waitUntil('redis to be used', () => redis.isUsable)
  const limits = createLimits({ key: { limit, windowS: 60 } }, { redis })
  return { redis, take: () => limits.take('key', 'a'), [Symbol.asyncDispose]: () => redis.stop() }
}

describeWith(['redis-server'], 'platforms that share a Redis', () => {
  test('count together', async () => {
    await using server = await startRedis()
    await using one = await join(server.url)
    await using two = await join(server.url)
    const remaining = [await one.take(), await two.take(), await one.take(), await two.take(), await one.take()]
    expect(remaining.map((taken) => taken?.remaining)).toEqual([4, 3, 2, 1, 0])
    expect(await two.take()).toMatchObject({ allowed: false, remaining: 0 })
    expect(await one.take()).toMatchObject({ allowed: false })
    const [key] = (await server.admin('KEYS', 'pelbiot:limit:*')) as string[]
    expect(await server.admin('TTL', key ?? '')).toBeGreaterThan(0)
  })

  test('count each for itself while it is dead, and together again afterwards', async () => {
    await using server = await startRedis()
    await using one = await join(server.url, 3)
    await using two = await join(server.url, 3)
    await one.take()
    await server.kill()
    await one.take()
    await waitUntil('both to know', () => !one.redis.isUsable && !two.redis.isUsable)
    expect(await two.take()).toMatchObject({ allowed: true, remaining: 2 })
    for (let i = 0; i < 3; i++) await one.take()
    expect(await one.take()).toMatchObject({ allowed: false })
    await server.start()
    await waitUntil('both to be back', () => one.redis.isUsable && two.redis.isUsable)
    expect(await one.take()).toMatchObject({ allowed: true, remaining: 2 })
    expect(await two.take()).toMatchObject({ allowed: true, remaining: 1 })
  })

  test('count on while it hangs or takes no writes', async () => {
    await using server = await startRedis()
    await using one = await join(server.url, 2)
    server.signal('SIGSTOP')
    expect([await one.take(), await one.take(), await one.take()].map((taken) => taken?.allowed)).toEqual([
      true,
      true,
      false,
    ])
    server.signal('SIGCONT')
    await waitUntil('redis to be back', () => one.redis.isUsable)
    await server.admin('CONFIG', 'SET', 'maxmemory', '1')
    // The window in memory has not ended.
    expect(await one.take()).toMatchObject({ allowed: false })
  })
})
