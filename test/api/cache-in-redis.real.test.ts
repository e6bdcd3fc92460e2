import { pino } from 'pino'
import { expect, test } from 'vitest'
import { cacheConfigSchema, createCache } from '../../store/cache/index.ts'
import { createRedis, redisConfigSchema } from '../../store/redis/index.ts'
import { startRedis } from '../setup/redis-server.ts'
import { describeWith } from '../setup/require-tool.ts'
import { waitUntil } from '../setup/wait.ts'
import { startApi } from './harness.ts'

function connect(url: string) {
  const logger = pino({ level: 'silent' })
  const redis = createRedis({ ...redisConfigSchema.parse({ url, retryMinMs: 50, retryMaxMs: 1_000 }), url }, logger)
  redis.start()
  const cache = createCache(cacheConfigSchema.parse({ deadlineMs: 1_000 }), { redis, logger })
  return { redis, cache, [Symbol.asyncDispose]: () => redis.stop() }
}

describeWith(['redis-server'], 'answers kept in a Redis', () => {
  test('are true and without an error, whatever becomes of it', async () => {
    await using server = await startRedis()
    await using at = connect(server.url)
    await using api = await startApi({}, { cache: at.cache })
    const path = '/api/v1/sites/main'
    let number = 0
    /** Renames the site and reads it, three times. */
    async function look(): Promise<string[]> {
      const name = `Site ${++number}`
      await api.request('PATCH', path, { body: { name } })
      const results: string[] = []
      for (let times = 0; times < 3; times++) {
        const { status, body, headers } = await api.get('/api/v1/sites')
        expect([status, body.items[0]?.name]).toEqual([200, name])
        results.push(headers.get('x-cache') ?? '')
      }
      return results
    }
    const well = () => waitUntil('hits', async () => (await look()).join() === 'miss,hit,hit')

    await waitUntil('redis to be used', () => at.redis.isUsable)
    await well()
    expect(await server.admin('DBSIZE')).toBeGreaterThan(1)
    await server.kill()
    for (let i = 0; i < 20; i++) await look()
    await well()
    await server.start()
    await waitUntil('redis to be used', () => at.redis.isUsable)
    await well()
    server.signal('SIGSTOP')
    for (let i = 0; i < 20; i++) await look()
    await well()
    server.signal('SIGCONT')
    await waitUntil('redis to be used', () => at.redis.isUsable)
    await server.admin('CONFIG', 'SET', 'maxmemory', '1')
    for (let i = 0; i < 20; i++) await look()
    await well()
    expect(api.logged).toEqual([])
  })

  test('are not those of another platform, though its sites have the same names', async () => {
    await using server = await startRedis()
    await using at = connect(server.url)
    await waitUntil('redis to be used', () => at.redis.isUsable)
    await using one = await startApi({}, { cache: at.cache })
    await using two = await startApi({}, { cache: at.cache })
    await one.request('PATCH', '/api/v1/sites/main', { body: { name: 'One' } })
    await two.request('PATCH', '/api/v1/sites/main', { body: { name: 'Two' } })
    for (let times = 0; times < 5; times++) {
      expect((await one.get('/api/v1/sites')).body.items[0].name).toBe('One')
      expect((await two.get('/api/v1/sites')).body.items[0].name).toBe('Two')
    }
  })
})
