import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { SessionStore } from '../../../store/sessions/index.ts'
import { temporaryFolder } from './temporary.ts'

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString()
const put = (key: string, value: string) => ({ key: Buffer.from(key), value: Buffer.from(value) })
const remove = (key: string) => ({ key: Buffer.from(key), value: undefined })

function rangeOf(store: SessionStore, from: string, to: string, limit = 100): [string, string][] {
  return store
    .range(Buffer.from(from), Buffer.from(to), limit)
    .map(({ key, value }) => [key.toString(), value.toString()])
}

/** What every session store promises. `create` is given an empty folder, or the one of a store closed before. */
export function describeSessionStore(name: string, create: (folder: string) => SessionStore): void {
  async function open(folder: string): Promise<SessionStore> {
    const store = create(folder)
    await store.open()
    onTestFinished(() => store.close())
    return store
  }

  describe(name, () => {
    test('answers what was written, at once and after the flush', async () => {
      const store = await open(await temporaryFolder())
      store.write([put('a', '1'), put('b', '2')])
      expect(text(store.get(Buffer.from('a')))).toBe('1')
      expect(rangeOf(store, 'a', 'z')).toEqual([
        ['a', '1'],
        ['b', '2'],
      ])
      await store.flushed()
      expect(text(store.get(Buffer.from('b')))).toBe('2')
      expect(store.get(Buffer.from('c'))).toBeUndefined()
    })

    test('lets the last write of a key count, whichever of them has reached the disk', async () => {
      const store = await open(await temporaryFolder())
      store.write([put('a', '1'), put('b', '1')])
      await store.flushed()
      store.write([put('a', '2')])
      store.write([remove('b')])
      expect(text(store.get(Buffer.from('a')))).toBe('2')
      expect(rangeOf(store, '', 'z')).toEqual([['a', '2']])
      store.write([put('b', '3'), remove('a')])
      expect(rangeOf(store, '', 'z')).toEqual([['b', '3']])
      await store.flushed()
      expect(rangeOf(store, '', 'z')).toEqual([['b', '3']])
    })

    test('has an order of bytes, half-open ranges, and a limit that counts what is there', async () => {
      const store = await open(await temporaryFolder())
      const key = (byte: number) => Buffer.of(7, byte)
      store.write([0xff, 0x00, 0x80, 0x7f].map((byte) => ({ key: key(byte), value: Buffer.of(byte) })))
      await store.flushed()
      store.write([{ key: key(0x00), value: undefined }])
      const found = (limit: number) => store.range(key(0x00), key(0xff), limit).map(({ value }) => value[0])
      expect(found(10)).toEqual([0x7f, 0x80])
      expect(found(1)).toEqual([0x7f])
      expect(store.range(key(0x80), key(0x80), 10)).toEqual([])
    })

    test('gives copies: what was read stays as it was', async () => {
      const store = await open(await temporaryFolder())
      store.write([put('a', 'first'), put('b', 'other')])
      await store.flushed()
      const a = store.get(Buffer.from('a'))
      const [entry] = store.range(Buffer.from('a'), Buffer.from('b'), 1)
      store.write([put('a', 'after'), put('b', 'again')])
      await store.flushed()
      store.get(Buffer.from('b'))
      store.range(Buffer.from('a'), Buffer.from('c'), 2)
      expect(text(a)).toBe('first')
      expect(text(entry?.value)).toBe('first')
    })

    test('takes empty values and values of many pages', async () => {
      const store = await open(await temporaryFolder())
      const large = Buffer.alloc(300_000, 7)
      store.write([put('empty', ''), { key: Buffer.from('large'), value: large }])
      await store.flushed()
      expect(store.get(Buffer.from('empty'))).toEqual(Buffer.alloc(0))
      expect(store.get(Buffer.from('large'))?.equals(large)).toBe(true)
    })

    test('has everything again after it was closed and opened', async () => {
      const folder = await temporaryFolder()
      const first = create(folder)
      await first.open()
      first.write([put('a', '1'), put('b', '2')])
      first.write([remove('b'), put('c', '3')])
      await first.close()
      const second = await open(folder)
      expect(rangeOf(second, '', 'z')).toEqual([
        ['a', '1'],
        ['c', '3'],
      ])
    })

    test('counts what has not reached the disk, and nothing when it has', async () => {
      const store = await open(await temporaryFolder())
      store.write([put('a', 'x'.repeat(1000))])
      expect(store.stats().pendingBytes).toBeGreaterThan(1000)
      await store.flushed()
      expect(store.stats().pendingBytes).toBe(0)
      expect(store.stats().bytes).toBeGreaterThan(0)
    })

    test('refuses to write once it is closed', async () => {
      const store = create(await temporaryFolder())
      await store.open()
      await store.close()
      await store.close()
      expect(() => store.write([put('a', '1')])).toThrow(expect.objectContaining({ code: 'closed' }))
      expect(() => store.get(Buffer.from('a'))).toThrow(expect.objectContaining({ code: 'closed' }))
    })

    test('is a sorted map, whatever is written and whenever it is flushed', async () => {
      const store = await open(await temporaryFolder())
      const model = new Map<string, string>()
      const key = fc.constantFrom('a', 'aa', 'ab', 'b', 'ba', 'c', 'ca', 'd')
      const step = fc.oneof(
        fc.record({ kind: fc.constant('write' as const), key, value: fc.option(fc.string({ maxLength: 4 })) }),
        fc.record({ kind: fc.constant('read' as const), key, to: key, limit: fc.integer({ min: 1, max: 4 }) }),
        fc.record({ kind: fc.constant('flush' as const) }),
        fc.record({ kind: fc.constant('turn' as const) }),
      )
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
          for (const next of steps) {
            if (next.kind === 'flush') await store.flushed()
            else if (next.kind === 'turn') await new Promise((resolve) => setImmediate(resolve))
            else if (next.kind === 'read') {
              const inside = [...model].filter(([name]) => name >= next.key && name < next.to).sort()
              expect(rangeOf(store, next.key, next.to, next.limit)).toEqual(inside.slice(0, next.limit))
            } else if (next.value === null) {
              model.delete(next.key)
              store.write([remove(next.key)])
            } else {
              model.set(next.key, next.value)
              store.write([put(next.key, next.value)])
            }
            expect(text(store.get(Buffer.from('ab')))).toEqual(model.get('ab'))
          }
        }),
        { numRuns: 60 },
      )
    })
  })
}
