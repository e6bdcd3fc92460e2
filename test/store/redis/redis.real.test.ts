import { once } from 'node:events'
import { createServer } from 'node:http'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createRedis, redisConfigSchema } from '../../../store/redis/index.ts'
import { startRedis } from '../../setup/redis-server.ts'
import { describeWith } from '../../setup/require-tool.ts'
import { waitUntil } from '../../setup/wait.ts'

/** A connection with what it logs, and how many commands it let through. */
function connect(url: string) {
  const logged: Record<string, unknown>[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line)) })
  const config = redisConfigSchema.parse({ url, deadlineMs: 500, retryMinMs: 10, retryMaxMs: 50 })
  const redis = createRedis({ ...config, url }, logger)
  let asked = 0
  redis.start()
  return {
    redis,
    lines: () => logged.map(({ msg }) => msg),
    reasons: () => logged.map(({ reason }) => reason),
    text: () => JSON.stringify(logged),
    get asked() {
      return asked
    },
    ask: () =>
      redis.attempt((client) => {
        asked++
        return client.incr('asked')
      }),
    usable: () => waitUntil('redis to be used', () => redis.isUsable),
    unusable: () => waitUntil('redis to be given up', () => !redis.isUsable && logged.length > 0),
    [Symbol.asyncDispose]: () => redis.stop(),
  }
}

describeWith(['redis-server'], 'a Redis', () => {
  test('that is well answers', async () => {
    await using server = await startRedis()
    await using at = connect(server.url)
    await at.usable()
    expect(await at.ask()).toBe(1)
    expect(at.lines()).toEqual(['redis used'])
  })

  test('that dies half-way is no error and no wait, and is used again when it is back: two lines in the log', async () => {
    await using server = await startRedis()
    await using at = connect(server.url)
    await at.usable()
    await server.kill()
    const answers = await Promise.all(Array.from({ length: 100 }, () => at.ask()))
    expect(new Set(answers)).toEqual(new Set([undefined]))
    await at.unusable()
    await server.start()
    await at.usable()
    expect(await at.ask()).toBe(1)
    expect(at.lines()).toEqual(['redis used', 'redis not usable', 'redis usable again'])
  })

  test('that hangs costs one deadline, and nobody is sent to it until it answers again', async () => {
    await using server = await startRedis()
    await using at = connect(server.url)
    await at.usable()
    server.signal('SIGSTOP')
    expect(await at.ask()).toBeUndefined()
    for (let i = 0; i < 1_000; i++) expect(await at.ask()).toBeUndefined()
    expect(at.asked).toBe(1)
    expect(at.reasons().at(-1)).toBe('it does not answer within 500 ms')
    server.signal('SIGCONT')
    await at.usable()
    expect(await at.ask()).toEqual(expect.any(Number))
    expect(at.lines()).toEqual(['redis used', 'redis not usable', 'redis usable again'])
  })

  test('that hangs from the start does not hold anybody up', async () => {
    await using server = await startRedis()
    server.signal('SIGSTOP')
    await using at = connect(server.url)
    expect(await at.ask()).toBeUndefined()
    await at.unusable()
    server.signal('SIGCONT')
    await at.usable()
  })

  test.each([
    ['another password', 'redis://:wrong-secret@', 'it knows no such user and password'],
    ['no password', 'redis://', 'it wants a password, and the URL has none'],
    ['another user', 'redis://nobody:right-secret@', 'it knows no such user and password'],
  ])('that wants %s is named so once, without the password', async (_, login, reason) => {
    await using server = await startRedis({ password: 'right-secret' })
    await using at = connect(server.url.replace('redis://', login))
    await at.unusable()
    expect(await at.ask()).toBeUndefined()
    expect(at.reasons()).toEqual([reason])
    expect(at.text()).not.toContain('secret')
    await server.admin('CONFIG', 'SET', 'requirepass', 'wrong-secret')
    if (login.includes('wrong')) {
      await at.usable()
      expect(at.lines()).toEqual(['redis not usable', 'redis usable again'])
    }
  })

  test('that is full is not written to until it has room', async () => {
    await using server = await startRedis()
    await using at = connect(server.url)
    await at.usable()
    await server.admin('CONFIG', 'SET', 'maxmemory', '1')
    expect(await at.ask()).toBeUndefined()
    const { asked } = at
    for (let i = 0; i < 100; i++) await at.ask()
    expect(at.asked).toBe(asked)
    expect(at.reasons().at(-1)).toMatch(/^it is full/)
    await server.admin('CONFIG', 'SET', 'maxmemory', '0')
    await at.usable()
    expect(at.lines()).toEqual(['redis used', 'redis not usable', 'redis usable again'])
  })

  test('that becomes a replica is not written to until it is none', async () => {
    await using primary = await startRedis()
    await using server = await startRedis()
    await using at = connect(server.url)
    await at.usable()
    await server.admin('REPLICAOF', '127.0.0.1', String(primary.port))
    await waitUntil('the replica', async () =>
      String(await server.admin('INFO', 'replication')).includes('link_status:up'),
    )
    await at.ask()
    await at.unusable()
    expect(at.reasons().at(-1)).toMatch(/replica|closed/)
    expect(await at.ask()).toBeUndefined()
    await server.admin('REPLICAOF', 'NO', 'ONE')
    await at.usable()
  })

  test('that has no database of that number is not used in another', async () => {
    await using server = await startRedis()
    await using at = connect(server.url.replace('/0', '/99'))
    await at.unusable()
    expect(at.reasons()).toEqual(['it has no database of that number'])
    expect(await server.admin('DBSIZE')).toBe(0)
  })
})

test('what is no Redis is given up, and asked again', async () => {
  const server = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  for (const url of [`redis://127.0.0.1:${port}`, `rediss://127.0.0.1:${port}`]) {
    await using at = connect(url)
    await at.unusable()
    expect(await at.ask()).toBeUndefined()
    expect(at.lines()).toEqual(['redis not usable'])
  }
  server.close()
  server.closeAllConnections()
})

test('where nothing listens, starting, asking and stopping are nothing to wait for', async () => {
  const at = connect('redis://127.0.0.1:1/0')
  expect(await at.ask()).toBeUndefined()
  await at.unusable()
  expect(at.reasons()).toEqual([expect.stringContaining('ECONNREFUSED')])
  await at.redis.stop()
  await at.redis.stop()
})

test('a URL that leads to no Redis is a wrong setting', () => {
  const good = ['redis://127.0.0.1', 'redis://h:6379/0', 'rediss://u:p@h:6380/15', 'redis://:p%40ss@[::1]:6379']
  const bad = ['h:6379', 'http://h', 'redis://', 'redis://h/x', 'redis://h/0?family=6', 'redis://h:99999']
  for (const url of good) expect([url, redisConfigSchema.safeParse({ url }).success]).toEqual([url, true])
  for (const url of bad) expect([url, redisConfigSchema.safeParse({ url }).success]).toEqual([url, false])
})
