import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { type ReadingColumns, type ReadingStore, withRecent } from '../../../store/readings/index.ts'
import { batchOf, createTestCatalog } from './catalog.ts'
import { describeReadingStore } from './conformance.ts'
import { createMemoryReadings } from './memory-readings.ts'

/** 25 bytes each, in blocks of 32: room for so many blocks. */
const blocks = (count: number) => count * 32 * 25

for (const [name, bytesMax] of [
  ['room for one block', blocks(1)],
  ['room for three blocks', blocks(3)],
  ['room for everything', blocks(1_000)],
] as const)
  describeReadingStore(
    `recent readings, ${name}`,
    async () => ({
      create: (catalog) => withRecent(createMemoryReadings(catalog), { bytesMax }),
      remove: async () => undefined,
    }),
    { restart: false, counts: true, wholeBatches: true, everyTime: true, runs: 200 },
  )

describe('recent readings', () => {
  const catalog = createTestCatalog()
  const voltage = catalog.add(1, 'voltage', { profile: 'meter-1ph', known: true })
  const power = catalog.add(1, 'power', { profile: 'meter-1ph', known: true })

  function counted(bytesMax = blocks(100)) {
    const asked: string[] = []
    const stored = createMemoryReadings(catalog)
    const inner: { -readonly [name in keyof ReadingStore]: ReadingStore[name] } = {
      ...stored,
      range: (query) => {
        asked.push('range')
        return stored.range(query)
      },
      buckets: (query) => {
        asked.push('buckets')
        return stored.buckets(query)
      },
      latest: (seriesIds) => {
        asked.push('latest')
        return stored.latest(seriesIds)
      },
    }
    return { asked, stored, inner, store: withRecent(inner, { bytesMax }) }
  }

  const write = (store: ReadingStore, ...times: number[]) =>
    store.write(batchOf(...times.map((at) => ({ series: voltage, at, value: at }))), 1)
  const range = async (store: ReadingStore, fromMs: number) => [
    ...(await store.range({ seriesId: voltage, fromMs, toMs: 1e15, limit: 100 })).timesMs,
  ]

  test('ask the store once for a series, and never again for what is newer', async () => {
    const { store, asked } = counted()
    await write(store, 10)
    expect((await store.latest(Int32Array.of(voltage))).timesMs[0]).toBe(10)
    await write(store, 20, 30)
    expect((await store.latest(Int32Array.of(voltage))).timesMs[0]).toBe(30)
    expect(await range(store, 10)).toEqual([10, 20, 30])
    expect((await store.buckets({ seriesId: voltage, edgesMs: Float64Array.of(10, 30, 50) })).count).toEqual(
      Float64Array.of(2, 1),
    )
    expect(asked).toEqual(['latest'])
  })

  test('ask the store for what begins before them', async () => {
    const { store, asked } = counted()
    await write(store, 10, 20)
    await store.latest(Int32Array.of(voltage))
    await write(store, 30)
    expect(await range(store, 5)).toEqual([10, 20, 30])
    expect(asked).toEqual(['latest', 'range'])
  })

  test('do not hide what was stored before their start, also when it is newer than what comes in', async () => {
    const { store, stored } = counted()
    await stored.write(batchOf({ series: voltage, at: 100, value: 1 }), 1)
    await write(store, 50, 60)
    expect(await range(store, 50)).toEqual([50, 60, 100])
    expect((await store.latest(Int32Array.of(voltage))).timesMs[0]).toBe(100)
    await write(store, 70, 110)
    expect(await range(store, 50)).toEqual([50, 60, 70, 100, 110])
    expect((await store.latest(Int32Array.of(voltage, power))).timesMs).toEqual(Float64Array.of(110, Number.NaN))
  })

  test('begin after a late reading', async () => {
    const { store, asked } = counted()
    await write(store, 10)
    await store.latest(Int32Array.of(voltage))
    await write(store, 20, 30, 40, 25)
    expect(await range(store, 30)).toEqual([30, 40])
    expect(asked).toEqual(['latest'])
    expect(await range(store, 20)).toEqual([20, 25, 30, 40])
    expect(asked).toEqual(['latest', 'range'])
  })

  test('ask the store nothing about what it did not have when it was opened', async () => {
    const { store, asked } = counted()
    await store.open()
    await write(store, 10, 20, 30)
    const always = Float64Array.of(-1e15, 25, 1e15)
    expect(await range(store, -1e15)).toEqual([10, 20, 30])
    expect((await store.buckets({ seriesId: voltage, edgesMs: always })).count).toEqual(Float64Array.of(2, 1))
    const { buckets, newestMs } = await store.marked([
      { seriesId: voltage, edgesMs: always },
      { seriesId: power, edgesMs: always },
    ])
    expect(buckets.map(({ count }) => [...count])).toEqual([
      [2, 1],
      [0, 0],
    ])
    expect(newestMs).toEqual(Float64Array.of(30, Number.NaN))
    expect((await store.latest(Int32Array.of(voltage))).timesMs[0]).toBe(30)
    expect(asked).toEqual([])
  })

  test('ask the store for what it had when it was opened, and for nothing later', async () => {
    const { store, asked, stored } = counted()
    await stored.write(batchOf({ series: voltage, at: 100, value: 1 }), 1)
    await store.open()
    await write(store, 110, 120)
    expect(await range(store, 101)).toEqual([110, 120])
    expect(asked).toEqual([])
    expect(await range(store, 100)).toEqual([100, 110, 120])
    expect(asked).toEqual(['range'])
    await write(store, 90)
    expect(await range(store, 80)).toEqual([90, 100, 110, 120])
  })

  test('ask the store again for a time that they have let go of', async () => {
    const { store, asked } = counted(blocks(1))
    await store.open()
    await write(store, ...Array.from({ length: 40 }, (_, i) => i + 1))
    expect(await range(store, 33)).toHaveLength(8)
    expect(asked).toEqual([])
    expect(await range(store, 32)).toHaveLength(9)
    expect(await range(store, -1e15)).toHaveLength(40)
    expect(asked).toEqual(['range', 'range'])
  })

  test('do not lose what was stored before when something newer comes while the store is asked', async () => {
    const { inner, store, stored } = counted()
    await stored.write(batchOf({ series: voltage, at: 100, value: 1 }), 1)
    await write(store, 95)
    let answer = () => {}
    const latest = inner.latest
    inner.latest = async (seriesIds) => {
      const found = await latest(seriesIds)
      await new Promise<void>((resolve) => {
        answer = resolve
      })
      return found
    }
    const asking = store.latest(Int32Array.of(voltage))
    await vi.waitFor(() => expect(answer.name).not.toBe('answer'))
    await write(store, 110)
    answer()
    await asking
    expect(await range(store, 100)).toEqual([100, 110])
  })

  test('make room for the newest of all series', async () => {
    const { store, asked } = counted(blocks(2))
    await write(store, 1)
    await store.latest(Int32Array.of(voltage))
    await write(store, ...Array.from({ length: 100 }, (_, i) => i + 2))
    expect(await range(store, 80)).toEqual(Array.from({ length: 22 }, (_, i) => i + 80))
    expect(asked).toEqual(['latest'])
    expect(await range(store, 1)).toHaveLength(100)
    expect(asked).toEqual(['latest', 'range'])
  })

  test('equal the store after every step of random writes, expiries and questions', async () => {
    const time = fc.integer({ min: 0, max: 60 })
    const readings = fc.array(fc.record({ series: fc.constantFrom(voltage, power), at: time, value: fc.nat(99) }), {
      maxLength: 12,
    })
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), readings }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('ask' as const), from: time, length: time }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const), before: time }) },
    )
    const openings = fc.record({
      blocks: fc.constantFrom(1, 3, 100),
      knows: fc.constantFrom('nothing', 'what it has'),
      laterMs: fc.constantFrom(0, 0, 10),
    })
    await fc.assert(
      fc.asyncProperty(readings, fc.array(step, { maxLength: 30 }), openings, async (earlier, steps, opening) => {
        const { inner, store, stored } = counted(blocks(opening.blocks))
        await stored.write(batchOf(...earlier), 1)
        inner.open = async () => {
          const { emptyFromMs, ...marks } = await stored.open()
          if (emptyFromMs === undefined || opening.knows === 'nothing') return marks
          return { ...marks, emptyFromMs: (seriesId) => emptyFromMs(seriesId) + opening.laterMs }
        }
        await store.open()
        for (const step of steps) {
          if (step.kind === 'write') await store.write(batchOf(...step.readings), 1)
          if (step.kind === 'expire') await store.expire(step.before > 50 ? 86_400_000 : 0)
          if (step.kind !== 'ask') continue
          const edgesMs = Float64Array.of(step.from, step.from + 5, step.from + 5 + step.length + 1)
          for (const seriesId of [voltage, power]) {
            const query = { seriesId, fromMs: step.from, toMs: step.from + step.length, limit: 20 }
            expect(readingsOf(await store.range(query))).toEqual(readingsOf(await stored.range(query)))
            expect(await store.buckets({ seriesId, edgesMs })).toEqual(await stored.buckets({ seriesId, edgesMs }))
            // Nothing else comes meanwhile.
            const marked = await store.marked([{ seriesId, edgesMs }])
            expect(marked.buckets[0]).toEqual(await stored.buckets({ seriesId, edgesMs }))
            const markedRange = await store.markedRanges([query])
            expect(markedRange.readings.map(readingsOf)).toEqual([readingsOf(await stored.range(query))])
            const newestMs = (await stored.latest(Int32Array.of(seriesId))).timesMs[0] ?? Number.NaN
            if (!Number.isNaN(newestMs)) expect(marked.newestMs[0]).toBeGreaterThanOrEqual(newestMs)
          }
          const both = Int32Array.of(voltage, power)
          expect(readingsOf(await store.latest(both))).toEqual(readingsOf(await stored.latest(both)))
        }
      }),
      { numRuns: 500 },
    )
  })
})

function readingsOf({ timesMs, values, quality }: ReadingColumns) {
  return { timesMs, values, quality }
}
