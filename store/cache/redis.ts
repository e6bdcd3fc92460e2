import { crc32 } from 'node:zlib'
import type { Logger } from 'pino'
import type { Redis } from '../redis/index.ts'
import type { Cache } from './cache.ts'
import { createSlowness } from './slowness.ts'

export interface RedisCacheOptions {
  /** Time that a question may take; the first one that takes longer is the last for a while. */
  readonly deadlineMs: number
  /** Pause after that; each is twice the one before, until Redis is in time again. */
  readonly pauseMinMs: number
  readonly pauseMaxMs: number
}

export interface RedisCacheDeps {
  readonly redis: Redis
  /** Asked first: it costs next to nothing, and has what Redis does not take, or not now. */
  readonly memory: Cache
  readonly logger: Logger
}

const keyPrefix = 'pelbiot:cache:'
/** Sending more than that within the deadline is nothing to rely on. */
const maxValueBytes = 1024 * 1024
const maxWrites = 64
const maxWritingBytes = 8 * maxValueBytes
/** What was found in Redis is not looked for there again so soon; how long it may still be kept only Redis knows. */
const foundMs = 5_000

/**
 * A cache that platforms share, behind a memory of one's own. A Redis that is dead, slow, full, read-only or the wrong one is a
 * miss: `store/redis` finds out and asks no more, and one that is merely slower than `deadlineMs` is left alone here.
 */
export function createRedisCache(options: RedisCacheOptions, { redis, memory, logger }: RedisCacheDeps): Cache {
  const slowness = createSlowness(options, logger)
  let writes = 0
  let writingBytes = 0

  async function ask(key: string): Promise<Uint8Array | undefined> {
    if (!redis.isUsable || slowness.isPaused()) return undefined
    const answer = await slowness.limit(
      redis.attempt((client) => client.getBuffer(`${keyPrefix}${key}`).catch(nothingOfAnotherType)),
    )
    const value = answer instanceof Uint8Array ? unpack(key, answer) : undefined
    if (value !== undefined) memory.set(key, value, foundMs)
    return value
  }

  async function write(key: string, value: Uint8Array, ttlMs: number): Promise<void> {
    const size = value.byteLength
    if (!redis.isUsable || slowness.isPaused()) return
    if (size > maxValueBytes || writes >= maxWrites || writingBytes + size > maxWritingBytes) return
    writes++
    writingBytes += size
    const packed = pack(key, value)
    await redis.attempt((client) => client.set(`${keyPrefix}${key}`, packed, 'PX', ttlMs))
    writes--
    writingBytes -= size
  }

  return {
    get: async (key) => (await memory.get(key)) ?? ask(key),
    set(key, value, ttlMs) {
      const wholeMs = Math.floor(ttlMs)
      if (wholeMs < 1) return
      memory.set(key, value, wholeMs)
      void write(key, value, wholeMs)
    },
  }
}

/** That says something about the key, and nothing about the server: the next `set` puts it right. */
function nothingOfAnotherType(error: unknown): null {
  if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return null
  throw error
}

const headBytes = 8
const magic = 0x50_4c_43_31

/** `PLC1`, a checksum of key and value, the value: whatever else is under a key is not taken for one. */
function pack(key: string, value: Uint8Array): Buffer {
  const packed = Buffer.allocUnsafe(headBytes + value.byteLength)
  packed.writeUInt32BE(magic, 0)
  packed.writeUInt32BE(crc32(value, crc32(key)), 4)
  packed.set(value, headBytes)
  return packed
}

function unpack(key: string, packed: Buffer): Uint8Array | undefined {
  if (packed.length < headBytes || packed.readUInt32BE(0) !== magic) return undefined
  const value = packed.subarray(headBytes)
  if (packed.readUInt32BE(4) !== crc32(value, crc32(key))) return undefined
  // A memory of its own: this one is a part of what came over the connection.
  const own = Buffer.allocUnsafeSlow(value.byteLength)
  own.set(value)
  return own
}
