import { describe, expect, test } from 'vitest'
import type { Cache } from '../../../store/cache/index.ts'
import { waitUntil } from '../../setup/wait.ts'

export interface CachePlace extends AsyncDisposable {
  readonly cache: Cache
  /** A value as large as it keeps. */
  readonly largestBytes: number
}

const bytes = (text: string) => new TextEncoder().encode(text)
const longMs = 60_000

/** The promises of the port `Cache`; an adapter's test file is a call of this. */
export function describeCache(name: string, open: () => Promise<CachePlace>): void {
  describe(`${name}: a cache`, () => {
    async function kept(cache: Cache, key: string): Promise<Buffer> {
      return Buffer.from(await waitUntil(`${key} to be kept`, () => cache.get(key), { everyMs: 1 }))
    }

    test('knows what was set under a key, and nothing else', async () => {
      await using at = await open()
      at.cache.set('a', bytes('one'), longMs)
      at.cache.set('b', bytes('two'), longMs)
      expect((await kept(at.cache, 'a')).toString()).toBe('one')
      expect((await kept(at.cache, 'b')).toString()).toBe('two')
      expect(await at.cache.get('c')).toBeUndefined()
    })

    test('gives back any bytes, under any key', async () => {
      await using at = await open()
      const all = Uint8Array.from({ length: 256 }, (_, i) => i)
      const values = { none: new Uint8Array(), all, 'é/\0\r\n*{}': all, ['k'.repeat(1_000)]: bytes('long') }
      for (const [key, value] of Object.entries(values)) {
        at.cache.set(key, value, longMs)
        expect([key, await kept(at.cache, key)]).toEqual([key, Buffer.from(value)])
      }
    })

    test('what is set later counts', async () => {
      await using at = await open()
      at.cache.set('a', bytes('one'), longMs)
      at.cache.set('a', bytes('two'), longMs)
      await waitUntil('the second', async () => (await kept(at.cache, 'a')).toString() === 'two')
    })

    test('forgets when the time is over, and what had none at once', async () => {
      await using at = await open()
      at.cache.set('now', bytes('one'), 0)
      at.cache.set('soon', bytes('one'), 50)
      at.cache.set('later', bytes('one'), longMs)
      await waitUntil('soon to be over', async () => (await at.cache.get('soon')) === undefined)
      expect((await kept(at.cache, 'later')).toString()).toBe('one')
      expect(await at.cache.get('now')).toBeUndefined()
    })

    test('keeps what is large, does not keep what is too large, and goes on', async () => {
      await using at = await open()
      at.cache.set('large', new Uint8Array(at.largestBytes).fill(1), longMs)
      expect((await kept(at.cache, 'large')).length).toBe(at.largestBytes)
      at.cache.set('too large', new Uint8Array(at.largestBytes + 1_000), longMs)
      at.cache.set('a', bytes('one'), longMs)
      await kept(at.cache, 'a')
      expect((await at.cache.get('too large')) === undefined).toBe(true)
    })

    test('answers hundreds at once', async () => {
      await using at = await open()
      at.cache.set('a', bytes('one'), longMs)
      await kept(at.cache, 'a')
      const answers = await Promise.all(
        Array.from({ length: 500 }, (_, i) => at.cache.get(i % 2 === 0 ? 'a' : `b${i}`)),
      )
      expect(answers.filter((answer) => answer !== undefined).length).toBeLessThanOrEqual(250)
      for (const answer of answers) if (answer !== undefined) expect(Buffer.from(answer).toString()).toBe('one')
    })
  })
}
