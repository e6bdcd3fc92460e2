import { expect, test } from 'vitest'
import { createMemoryCache } from '../../../store/cache/index.ts'
import { describeCache } from './conformance.ts'

describeCache('memory', async () => ({
  cache: createMemoryCache({ maxBytes: 1_000_000 }),
  largestBytes: 124_500,
  [Symbol.asyncDispose]: async () => undefined,
}))

test('what was not used for longest makes room, and no more bytes are kept than may be', async () => {
  const cache = createMemoryCache({ maxBytes: 100_000 })
  cache.set('used', new Uint8Array(5_000), 60_000)
  for (let i = 0; i < 1_000; i++) {
    cache.set(`other ${i}`, new Uint8Array(5_000), 60_000)
    expect(await cache.get('used')).toBeDefined()
  }
  const others = await Promise.all(Array.from({ length: 1_000 }, (_, i) => cache.get(`other ${i}`)))
  const kept = others.filter((other) => other !== undefined).length
  expect(kept).toBeGreaterThan(10)
  expect(kept).toBeLessThan(20)
  expect(await cache.get('other 999')).toBeDefined()
})
