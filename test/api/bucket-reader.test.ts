import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createBucketReader } from '../../api/bucket-reader.ts'
import { createMemoryCache } from '../../store/cache/index.ts'
import { batchOf } from '../store/readings/catalog.ts'
import { beginMs, createWorld, hourMs, minuteMs, readsAlike, stepsOfReads, windowOf } from './kept-buckets.ts'

describe('buckets that are kept', () => {
  test.each([
    ['hardly any memory of the newest readings', 800],
    ['room for all of them', 800_000],
  ])('are those of the store whatever is written, expires or fails, with %s', async (_, bytesMax) => {
    await fc.assert(
      fc.asyncProperty(stepsOfReads, (steps) => readsAlike(createMemoryCache({ maxBytes: 8e6 }), steps, bytesMax)),
      { numRuns: 60 },
    )
  })

  async function filled() {
    const world = createWorld(1e6)
    const cache = createMemoryCache({ maxBytes: 8e6 })
    const readBuckets = createBucketReader({ readings: world.store, cache })
    const series = world.series[0] ?? 0
    let position = 0
    const write = (...readings: (readonly [at: number, value: number])[]) =>
      world.store.write(batchOf(...readings.map(([at, value]) => ({ series, at, value }))), ++position)
    await write(...Array.from({ length: 200 }, (_, i) => [beginMs + i * minuteMs, i] as const))
    const read = async (toMs: number, size = '5m') => {
      const { columns, hit } = await readBuckets([series], windowOf(size, 'UTC', toMs - hourMs, toMs))
      return { hit, sum: columns[0]?.sum.reduce((all, one) => all + (Number.isNaN(one) ? 0 : one), 0) }
    }
    return { world, write, read, readBuckets, series }
  }

  test('are a hit for a window that moves while readings come', async () => {
    const { world, write, read } = await filled()
    expect((await read(beginMs + 200 * minuteMs)).hit).toBe(false)
    for (let i = 200; i < 300; i++) {
      await write([beginMs + i * minuteMs, i])
      const asked = world.asked
      expect((await read(beginMs + (i + 1) * minuteMs)).hit).toBe(true)
      expect(world.asked).toBe(asked)
    }
  })

  test('are a hit at the beginning of another chunk', async () => {
    const { write, read } = await filled()
    await read(beginMs + 200 * minuteMs)
    await write([beginMs + 24 * hourMs - minuteMs, 1])
    await read(beginMs + 24 * hourMs)
    await write([beginMs + 24 * hourMs + minuteMs, 2])
    expect(await read(beginMs + 24 * hourMs + 5 * minuteMs)).toEqual({ hit: true, sum: 3 })
  })

  test('are read anew after a late reading, and then kept again', async () => {
    const { write, read } = await filled()
    const toMs = beginMs + 100 * minuteMs
    const before = (await read(toMs)).sum ?? 0
    expect((await read(toMs)).hit).toBe(true)
    await write([toMs - 30 * minuteMs, 1_070])
    expect(await read(toMs)).toEqual({ hit: false, sum: before + 1_000 })
    await read(toMs)
    expect((await read(toMs)).hit).toBe(true)
  })

  test('stay when the newest reading is sent again, and do not when it has another value', async () => {
    const { write, read } = await filled()
    const toMs = beginMs + 200 * minuteMs
    await read(toMs)
    await write([beginMs + 199 * minuteMs, 199])
    expect((await read(toMs)).hit).toBe(true)
    const before = (await read(toMs)).sum ?? 0
    await write([beginMs + 199 * minuteMs, 299])
    expect(await read(toMs)).toEqual({ hit: false, sum: before + 100 })
  })

  test('are read anew when old readings expired', async () => {
    const { world, read } = await filled()
    const toMs = beginMs + 100 * minuteMs
    await read(toMs)
    await world.store.expire(beginMs + 48 * hourMs)
    expect(await read(toMs)).toEqual({ hit: false, sum: 0 })
  })

  test('are read anew after a write that failed, for something of it may be there', async () => {
    const { world, write, read } = await filled()
    const toMs = beginMs + 100 * minuteMs
    const before = (await read(toMs)).sum ?? 0
    world.failing = 'all'
    await expect(write([toMs - 30 * minuteMs, 1_070])).rejects.toThrow('write failed')
    expect(await read(toMs)).toEqual({ hit: false, sum: before + 1_000 })
  })

  test('are read anew from a store that was emptied', async () => {
    const { world, write, read } = await filled()
    const toMs = beginMs + 100 * minuteMs
    await read(toMs)
    world.failing = 'emptied'
    await expect(write([beginMs + 201 * minuteMs, 1])).rejects.toThrow('emptied')
    expect((await read(toMs)).hit).toBe(false)
  })

  test('are read once for all who ask at the same time', async () => {
    const { world, readBuckets, series } = await filled()
    const window = windowOf('1h', 'UTC', beginMs - 40 * 24 * hourMs, beginMs)
    await readBuckets([series], window)
    const once = world.asked
    const other = windowOf('2h', 'UTC', beginMs - 40 * 24 * hourMs, beginMs + hourMs)
    await Promise.all(Array.from({ length: 20 }, () => readBuckets([series], other)))
    expect(world.asked - once).toBeLessThanOrEqual(2 * 32 * 12)
  })

  test('of a size that makes no chunks come from the store', async () => {
    const { read } = await filled()
    // From the 40th minute up to the 100th, whose bucket begins before that and ends after it.
    expect(await read(beginMs + 100 * minuteMs, '7s')).toEqual({ hit: false, sum: (61 * (40 + 100)) / 2 })
  })
})
