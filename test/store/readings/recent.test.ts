import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
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
    const inner: ReadingStore = {
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
    return { asked, stored, store: withRecent(inner, { bytesMax }) }
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
    await fc.assert(
      fc.asyncProperty(readings, fc.array(step, { maxLength: 30 }), async (earlier, steps) => {
        const { store, stored } = counted(blocks(3))
        await stored.write(batchOf(...earlier), 1)
        for (const step of steps) {
          if (step.kind === 'write') await store.write(batchOf(...step.readings), 1)
          if (step.kind === 'expire') await store.expire(step.before > 50 ? 86_400_000 : 0)
          if (step.kind !== 'ask') continue
          const edgesMs = Float64Array.of(step.from, step.from + 5, step.from + 5 + step.length + 1)
          for (const seriesId of [voltage, power]) {
            const query = { seriesId, fromMs: step.from, toMs: step.from + step.length, limit: 20 }
            expect(readingsOf(await store.range(query))).toEqual(readingsOf(await stored.range(query)))
            expect(await store.buckets({ seriesId, edgesMs })).toEqual(await stored.buckets({ seriesId, edgesMs }))
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
