import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseBucketSize } from '../../api/bucket-size.ts'
import { createSeriesJson, type SeriesJson } from '../../api/series-json.ts'
import { toColumns } from '../../api/series-query.ts'
import type { SizedWindow } from '../../api/series-windows.ts'
import { createWindowReader, type SeriesRead } from '../../api/window-reader.ts'
import { createMemoryCache } from '../../store/cache/index.ts'
import { batchOf } from '../store/readings/catalog.ts'
import { beginMs, createWorld, hourMs, minuteMs, windowOf } from './kept-buckets.ts'

const most = 60

function worldOfCharts() {
  const world = createWorld(1e6)
  let calls = 0
  const readings = {
    range: (query: Parameters<typeof world.store.range>[0]) => {
      calls++
      return world.store.range(query)
    },
    marked: (queries: Parameters<typeof world.store.marked>[0]) => {
      calls++
      return world.store.marked(queries)
    },
    markedRanges: (queries: Parameters<typeof world.store.markedRanges>[0]) => {
      calls++
      return world.store.markedRanges(queries)
    },
  }
  const createReader = () => createWindowReader({ readings, cache: createMemoryCache({ maxBytes: 8e6 }) })
  const readWindow = createReader()
  let position = 0

  return {
    series: world.series,
    write: (...times: readonly number[]) =>
      world.store.write(
        batchOf(...times.flatMap((at) => world.series.map((series) => ({ series, at, value: at % 1_000 })))),
        ++position,
      ),
    /** As a chart of the hour before `toMs` has it, and how often the store was asked for it. */
    async read(toMs: number, lengthMs = hourMs, reader = readWindow) {
      const range = { fromMs: toMs - lengthMs, toMs }
      const before = calls
      const { reads, hit } = await reader(world.series, sized(range), { range, most })
      return { reads: world.series.map((seriesId) => reads.get(seriesId)), hit, calls: calls - before }
    },
    createReader,
  }
}

function sized({ fromMs, toMs }: { fromMs: number; toMs: number }): SizedWindow {
  const size = parseBucketSize('5m')
  if (size === undefined) throw new Error('5m is no size')
  return { size, window: windowOf('5m', 'UTC', fromMs, toMs) }
}

const functions = ['avg', 'max', 'count'] as const

/** As somebody sees it who asks for one of them, or for all. */
function shown(json: SeriesJson, reads: readonly (SeriesRead | undefined)[]) {
  return reads.map((read = { kind: 'none', bucket: null }) => {
    const name = { device: 'm', metric: 'power', unit: 'W' }
    const page: unknown = JSON.parse(json.page(read, functions))
    const columns: unknown = JSON.parse(json.columns(name, read, functions))
    expect(columns).toEqual({ ...name, ...toColumns(read, functions) })
    return { page, columns, single: JSON.parse(json.columns(name, read, ['sum'])) as unknown }
  })
}

const kinds = (reads: readonly (SeriesRead | undefined)[]) => reads.map((read) => read?.kind)

test('a chart of several series that is kept asks the store once, while they grow from few readings to many', async () => {
  const { write, read } = worldOfCharts()
  await write(...Array.from({ length: 300 }, (_, i) => beginMs + i * 2 * minuteMs))
  let toMs = beginMs + 600 * minuteMs
  await read(toMs)
  for (let i = 0; i < 40; i++) {
    await write(toMs + i * 1_000)
    const { reads, ...asked } = await read(toMs + i * 1_000 + 1)
    // Thirty of the hour before, and those of the last seconds; then the buckets are read for the first time.
    expect(kinds(reads)).toEqual(i < 31 ? ['raw', 'raw'] : ['buckets', 'buckets'])
    if (i !== 31) expect([i, asked]).toEqual([i, { hit: true, calls: 1 }])
  }
  toMs += 40_000
  await write(toMs)
  expect(await read(toMs + 1)).toMatchObject({ hit: true, calls: 1 })
})

test('where the range has no reading its buckets tell whether they hold one', async () => {
  const { write, read } = worldOfCharts()
  await write(beginMs + minuteMs)
  const beside = await read(beginMs + 4 * minuteMs, 2 * minuteMs)
  expect(beside.reads).toMatchObject([{ kind: 'raw', columns: { timesMs: new Float64Array(0) } }, { kind: 'raw' }])
  const none = await read(beginMs + 20 * minuteMs, 2 * minuteMs)
  expect(kinds(none.reads)).toEqual(['none', 'none'])
  // What was few is none in the next window, and is few again once something comes.
  expect(kinds((await read(beginMs + 4 * minuteMs)).reads)).toEqual(['raw', 'raw'])
  expect(kinds((await read(beginMs + 3 * hourMs)).reads)).toEqual(['none', 'none'])
  await write(beginMs + 3 * hourMs)
  expect(kinds((await read(beginMs + 3 * hourMs + 1)).reads)).toEqual(['raw', 'raw'])
})

test('a bucket is written anew while it grows, and a reading that is corrected too', async () => {
  const { write, read, createReader } = worldOfCharts()
  const json = createSeriesJson()
  const toMs = beginMs + 204 * minuteMs
  await write(...Array.from({ length: 200 }, (_, i) => beginMs + i * minuteMs))
  for (const at of [201, 202, 201.5, 203, 203]) {
    await write(beginMs + at * minuteMs)
    for (const lengthMs of [hourMs, 2 * hourMs]) {
      const anew = await read(toMs, lengthMs, createReader())
      expect(shown(json, (await read(toMs, lengthMs)).reads)).toEqual(shown(createSeriesJson(), anew.reads))
    }
  }
})

test('what is remembered of a series, and what was written of it, never changes what is shown', async () => {
  const step = fc.record({
    laterMs: fc.integer({ min: 0, max: 30 * minuteMs }),
    readings: fc.integer({ min: 0, max: 40 }),
    everyMs: fc.integer({ min: 1, max: 2 * minuteMs }),
    lateMs: fc.option(fc.integer({ min: 0, max: 2 * hourMs })),
    backMs: fc.integer({ min: 0, max: hourMs }),
    lengthMs: fc.integer({ min: 1, max: 2 * hourMs }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const { write, read, createReader } = worldOfCharts()
      const json = createSeriesJson()
      let nowMs = beginMs + 3 * hourMs
      for (const { laterMs, readings, everyMs, lateMs, backMs, lengthMs } of steps) {
        nowMs += laterMs
        const times = Array.from({ length: readings }, () => (nowMs += everyMs))
        if (times.length > 0) await write(...times)
        if (lateMs !== null) await write(nowMs - lateMs)
        const asKept = await read(nowMs - backMs, lengthMs)
        const anew = await read(nowMs - backMs, lengthMs, createReader())
        expect(shown(json, asKept.reads)).toEqual(shown(createSeriesJson(), anew.reads))
      }
    }),
    { numRuns: 60 },
  )
})
