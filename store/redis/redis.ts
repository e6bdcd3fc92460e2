import { Redis as Client } from 'ioredis'
import type { Logger } from 'pino'
import type { RedisConfig } from './config.ts'
import { troubleOf } from './trouble.ts'

export type RedisClient = Client

/**
 * One connection for everything that several platforms share and that none of them needs: a Redis that is dead, slow, full,
 * read-only or the wrong one costs whoever asks no error, and no wait but one `deadlineMs`.
 */
export interface Redis {
  /** Connects, without waiting for it. */
  start(): void
  stop(): Promise<void>
  /** Whether commands are sent. */
  readonly isUsable: boolean
  /** What the command answers; undefined, and at once while Redis is not usable, when there is no answer. Never rejects. */
  attempt<Result>(command: (client: RedisClient) => Promise<Result>): Promise<Result | undefined>
}

const probeKey = 'pelbiot:probe'
const probeTtlMs = 10_000

export function createRedis(config: RedisConfig & { readonly url: string }, logger: Logger): Redis {
  const { deadlineMs, retryMinMs, retryMaxMs } = config
  const client = new Client(config.url, {
    lazyConnect: true,
    connectionName: 'pelbiot',
    // Whoever asks has an answer of its own: nothing waits for a connection, and nothing is sent a second time.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: deadlineMs,
    connectTimeout: Math.max(deadlineMs, 2_000),
    retryStrategy: () => null,
  })
  const place = placeOf(config.url)
  let isUsable = false
  let trouble: string | undefined
  let usableSinceMs = 0
  let retries = 0
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  // Each failure comes as a rejection too; without a listener ioredis prints it.
  client.on('error', (error) => fail(troubleOf(error, deadlineMs)))
  client.on('close', () => fail('it closed the connection'))

  /** The one line of a failure is that of its first reason. */
  function fail(reason: string): void {
    if (stopped) return
    if (trouble === undefined) logger.warn({ redis: place, reason }, 'redis not usable')
    trouble ??= reason
    // One that fails again and again is asked less and less, also when it is well for a moment in between.
    if (isUsable && performance.now() - usableSinceMs > retryMaxMs) retries = 0
    isUsable = false
    timer ??= setTimeout(() => void tryAgain(), pauseMs())
    timer.unref()
  }

  function pauseMs(): number {
    return Math.min(retryMinMs * 2 ** Math.min(retries++, 16), retryMaxMs)
  }

  async function tryAgain(): Promise<void> {
    try {
      await probe()
    } catch (error) {
      timer = undefined
      fail(troubleOf(error, deadlineMs))
      // The next probe is on a connection of its own: this one may lead nowhere.
      client.disconnect()
    }
  }

  /** Only a server that takes a write is of use. */
  async function probe(): Promise<void> {
    if (client.status === 'wait' || client.status === 'end') await client.connect()
    // ioredis goes on in database 0 when the one of the URL does not exist; this does not.
    await client.select(Number(new URL(config.url).pathname.slice(1)))
    await client.set(probeKey, '1', 'PX', probeTtlMs)
    if (stopped) return
    timer = undefined
    isUsable = true
    usableSinceMs = performance.now()
    if (trouble === undefined) logger.info({ redis: place }, 'redis used')
    else logger.info({ redis: place, reason: trouble }, 'redis usable again')
    trouble = undefined
  }

  return {
    start() {
      if (timer !== undefined || isUsable || stopped) return
      timer = setTimeout(() => void tryAgain(), 0)
    },
    async stop() {
      stopped = true
      isUsable = false
      clearTimeout(timer)
      client.disconnect()
    },
    get isUsable() {
      return isUsable
    },
    async attempt(command) {
      if (!isUsable) return undefined
      try {
        return await command(client)
      } catch (error) {
        fail(troubleOf(error, deadlineMs))
        return undefined
      }
    },
  }
}

/** For the log: without user and password. */
function placeOf(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
