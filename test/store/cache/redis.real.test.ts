import { pino } from 'pino'
import { expect, test } from 'vitest'
import { type Cache, createCache } from '../../../store/cache/index.ts'
import { createRedisCache } from '../../../store/cache/redis.ts'
import { createRedis, redisConfigSchema } from '../../../store/redis/index.ts'
import { type RedisServer, startRedis } from '../../setup/redis-server.ts'
import { describeWith } from '../../setup/require-tool.ts'
import { waitUntil } from '../../setup/wait.ts'
import { describeCache } from './conformance.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const longMs = 60_000

/** A platform's cache in that Redis. Its deadlines are long enough that a busy machine is not taken for a slow Redis. */
function connect(url: string, deadlineMs = 1_000) {
  const logged: Record<string, unknown>[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line)) })
  const config = redisConfigSchema.parse({ url, deadlineMs: 2_000, retryMinMs: 10, retryMaxMs: 50 })
  const redis = createRedis({ ...config, url }, logger)
  redis.start()
  const cache = createCache({ memoryMb: 10, deadlineMs, pauseMinMs: 10, pauseMaxMs: 50 }, { redis, logger })
  return {
    redis,
    cache,
    logger,
    lines: () => logged.map(({ msg }) => msg),
    usable: () => waitUntil('redis to be used', () => redis.isUsable),
    unusable: () => waitUntil('redis to be given up', () => !redis.isUsable && logged.length > 0),
    [Symbol.asyncDispose]: () => redis.stop(),
  }
}

async function kept(cache: Cache, key: string): Promise<string> {
  const value = await waitUntil(`${key} to be kept`, () => cache.get(key), { everyMs: 1 })
  return Buffer.from(value).toString()
}

/** One that remembers nothing from one question to the next. */
function fresh({ redis, logger }: ReturnType<typeof connect>): Cache {
  const options = { deadlineMs: 1_000, pauseMinMs: 10, pauseMaxMs: 50 }
  const memory = { get: async () => undefined, set: () => undefined }
  return createRedisCache(options, { redis, memory, logger })
}

const keysIn = (server: RedisServer) =>
  server.admin('KEYS', 'pelbiot:cache:*').then((keys) => (keys as string[]).toSorted())

describeWith(['redis-server'], 'with a Redis', () => {
  describeCache('redis behind memory', async () => {
    const server = await startRedis()
    const at = connect(server.url)
    await at.usable()
    return {
      cache: at.cache,
      largestBytes: 1_310_000,
      async [Symbol.asyncDispose]() {
        await at.redis.stop()
        await server[Symbol.asyncDispose]()
      },
    }
  })

  describeCache('redis alone, as another platform sees it', async () => {
    const server = await startRedis()
    const [one, two] = [connect(server.url), connect(server.url)]
    await Promise.all([one.usable(), two.usable()])
    return {
      cache: { get: fresh(two).get, set: one.cache.set },
      largestBytes: 1_048_576,
      async [Symbol.asyncDispose]() {
        await Promise.all([one.redis.stop(), two.redis.stop()])
        await server[Symbol.asyncDispose]()
      },
    }
  })

  describeCache('memory, while the Redis is down', async () => {
    const at = connect('redis://127.0.0.1:1/0')
    return { cache: at.cache, largestBytes: 1_310_000, [Symbol.asyncDispose]: () => at.redis.stop() }
  })

  test('platforms that share it share what they keep, and what is too large for it stays with one', async () => {
    await using server = await startRedis()
    await using one = connect(server.url)
    await using two = connect(server.url)
    await Promise.all([one.usable(), two.usable()])
    one.cache.set('a', bytes('of one'), longMs)
    expect(await kept(two.cache, 'a')).toBe('of one')
    one.cache.set('large', new Uint8Array(1_048_577), longMs)
    expect(await one.cache.get('large')).toHaveLength(1_048_577)
    expect(await two.cache.get('large')).toBeUndefined()
    expect(await keysIn(server)).toEqual(['pelbiot:cache:a'])
    expect(await server.admin('PTTL', 'pelbiot:cache:a')).toBeGreaterThan(longMs / 2)
  })

  test.each([
    ['a value of another type', ['RPUSH', 'k', 'x']],
    ['garbage', ['SET', 'k', 'garbage that is long enough']],
    ['nothing at all', ['SET', 'k', '']],
    ['a head without a value', ['SET', 'k', 'PLC1']],
    ['a value with a wrong checksum', ['SET', 'k', 'PLC1\0\0\0\0one']],
  ] as const)('%s under a key is a miss, and is replaced', async (_, [command, , value]) => {
    await using server = await startRedis()
    await using at = connect(server.url)
    await at.usable()
    await server.admin(command, 'pelbiot:cache:k', value)
    expect(await at.cache.get('k')).toBeUndefined()
    expect(at.redis.isUsable).toBe(true)
    at.cache.set('k', bytes('one'), longMs)
    expect(await kept(at.cache, 'k')).toBe('one')
    expect(at.lines()).toEqual(['redis used'])
  })

  test('what was kept under one key is not taken for that of another, nor when a byte of it has changed', async () => {
    await using server = await startRedis()
    await using at = connect(server.url)
    await at.usable()
    const cache = fresh(at)
    cache.set('a', bytes('of a'), longMs)
    await kept(cache, 'a')
    await server.admin('COPY', 'pelbiot:cache:a', 'pelbiot:cache:b')
    expect(await cache.get('b')).toBeUndefined()
    await server.admin('SETRANGE', 'pelbiot:cache:a', '9', 'X')
    expect(await cache.get('a')).toBeUndefined()
  })

  const troubles: readonly [
    string,
    (server: RedisServer) => Promise<unknown>,
    (server: RedisServer) => Promise<unknown>,
  ][] = [
    ['is killed', (server) => server.kill(), (server) => server.start()],
    [
      'is full',
      (server) => server.admin('CONFIG', 'SET', 'maxmemory', '1'),
      (server) => server.admin('CONFIG', 'SET', 'maxmemory', '0'),
    ],
    [
      'becomes a read-only replica',
      (server) => server.admin('REPLICAOF', '127.0.0.1', '1'),
      (server) => server.admin('REPLICAOF', 'NO', 'ONE'),
    ],
    [
      'wants a password from now on',
      async (server) => {
        await server.admin('CONFIG', 'SET', 'requirepass', 'new-secret')
        // Who is connected stays so.
        await server.kill()
      },
      (server) => server.start(),
    ],
  ]
  test.each(troubles)(
    'one that %s is done without: memory stands in, and it is used again by itself',
    async (_, begin, end) => {
      await using server = await startRedis()
      await using at = connect(server.url)
      await at.usable()
      at.cache.set('before', bytes('before'), longMs)
      await kept(at.cache, 'before')
      await begin(server)
      for (let i = 0; i < 50; i++) at.cache.set(`meanwhile ${i}`, bytes(`${i}`), longMs)
      await Promise.all(Array.from({ length: 50 }, (_, i) => at.cache.get(`other ${i}`)))
      await at.unusable()
      at.cache.set('during', bytes('during'), longMs)
      expect(Buffer.from((await at.cache.get('during')) ?? []).toString()).toBe('during')
      // What it did not take is in memory.
      for (let i = 0; i < 50; i++) expect(await kept(at.cache, `meanwhile ${i}`)).toBe(`${i}`)
      await end(server)
      await at.usable()
      at.cache.set('after', bytes('after'), longMs)
      await waitUntil('it to be in redis', async () => (await keysIn(server)).includes('pelbiot:cache:after'))
      expect(await kept(at.cache, 'during')).toBe('during')
      expect(at.lines().slice(0, 3)).toEqual(['redis used', 'redis not usable', 'redis usable again'])
    },
  )

  test('one with another password is memory alone', async () => {
    await using server = await startRedis({ password: 'right-secret' })
    await using at = connect(server.url.replace('redis://', 'redis://:wrong-secret@'))
    await at.unusable()
    at.cache.set('a', bytes('one'), longMs)
    expect(Buffer.from((await at.cache.get('a')) ?? []).toString()).toBe('one')
    expect(await keysIn(server).catch(() => [])).toEqual([])
  })

  test('one that hangs costs a deadline once: nobody who comes after that waits for it', async () => {
    await using server = await startRedis()
    await using at = connect(server.url, 50)
    await at.usable()
    await server.admin('SET', 'pelbiot:cache:a', 'x')
    server.signal('SIGSTOP')
    const waiting = Promise.all(Array.from({ length: 100 }, () => at.cache.get('a')))
    expect(new Set(await waiting)).toEqual(new Set([undefined]))
    // It takes store/redis longer to give it up; meanwhile it is not asked for the cache.
    expect(at.redis.isUsable).toBe(true)
    at.cache.set('b', bytes('two'), longMs)
    expect(Buffer.from((await at.cache.get('b')) ?? []).toString()).toBe('two')
    expect(at.lines()).toEqual(['redis used', 'redis too slow for the cache'])
    await at.unusable()
    server.signal('SIGCONT')
    await at.usable()
    await waitUntil('it to be asked again', async () => {
      await at.cache.get('a')
      return at.lines().length > 4
    })
    expect(at.lines().slice(2)).toEqual([
      'redis not usable',
      'redis usable again',
      'redis fast enough for the cache again',
    ])
  })

  test('one that is only slow is asked now and then, and used again when it is not', async () => {
    await using server = await startRedis()
    await using at = connect(server.url, 20)
    await using one = connect(server.url)
    await Promise.all([at.usable(), one.usable()])
    one.cache.set('a', bytes('one'), longMs)
    await waitUntil('it to be in redis', async () => (await keysIn(server)).length === 1)
    await server.admin('CLIENT', 'PAUSE', '1500', 'ALL')
    await waitUntil('it to be too slow', async () => {
      expect(await at.cache.get('a')).toBeUndefined()
      return at.lines().includes('redis too slow for the cache')
    })
    expect(await kept(at.cache, 'a')).toBe('one')
    expect(at.lines()).toContain('redis fast enough for the cache again')
    expect(at.lines()).not.toContain('redis not usable')
  })

  test('more writes at once than it should hold are kept in memory, and none waits', async () => {
    await using server = await startRedis()
    await using at = connect(server.url)
    await at.usable()
    const values = Array.from({ length: 500 }, (_, i) => `${i}`)
    for (const value of values) at.cache.set(value, bytes(value), longMs)
    for (const value of values) expect(await kept(at.cache, value)).toBe(value)
    expect((await keysIn(server)).length).toBe(64)
  })
})
