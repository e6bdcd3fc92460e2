import fc from 'fast-check'
import { expect } from 'vitest'
import { createBucketChunks } from '../../api/bucket-chunks.ts'
import { createBucketReader } from '../../api/bucket-reader.ts'
import { parseBucketSize } from '../../api/bucket-size.ts'
import { type BucketWindow, bucketWindow } from '../../api/bucket-window.ts'
import { createRawReader } from '../../api/raw-reader.ts'
import { AppError } from '../../model/index.ts'
import type { Cache } from '../../store/cache/index.ts'
import { type BucketColumns, columnNames, type ReadingStore, withRecent } from '../../store/readings/index.ts'
import { batchOf, createTestCatalog } from '../store/readings/catalog.ts'
import { createMemoryReadings } from '../store/readings/memory-readings.ts'

export const minuteMs = 60_000
export const hourMs = 60 * minuteMs
/** The clocks of Berlin and of Lord Howe change in the days behind it. */
export const beginMs = Date.parse('2026-10-03T00:00:00Z')
const lengthMs = 26 * 24 * hourMs
const sizes = ['1s', '7s', '30s', '1m', '7m', '15m', '1h', '5h', '1d', '1w', '1mo', '1y']
const zones = ['UTC', 'Asia/Jakarta', 'Europe/Berlin', 'Australia/Lord_Howe']
const chunks = createBucketChunks()

export function windowOf(size: string, timeZone: string, fromMs: number, toMs: number): BucketWindow {
  const parsed = parseBucketSize(size)
  const window = parsed && bucketWindow(chunks, parsed, timeZone, { fromMs, toMs }, 10_000)
  if (window === undefined) throw new Error(`no window of ${size}`)
  return window
}

const rounded = (columns: BucketColumns) =>
  // A mean of parts may differ from that of the whole in the last digit.
  Object.fromEntries(
    columnNames.map((name) => [name, Array.from(columns[name], (value) => Number(value.toPrecision(12)))]),
  )

export interface World {
  readonly store: ReturnType<typeof withRecent>
  readonly stored: ReadingStore
  readonly series: readonly number[]
  /** Of each write, whether it fails, and what of it can be seen then. */
  failing: 'no' | 'nothing' | 'all' | 'emptied'
  /** Buckets that the store itself was asked for. */
  asked: number
}

export function createWorld(bytesMax: number): World {
  const catalog = createTestCatalog()
  const series = [1, 2].map((device) => catalog.add(device, 'power', { profile: 'meter-1ph', known: true }))
  const stored = createMemoryReadings(catalog)
  const pause = () => new Promise((resolve) => setImmediate(resolve))
  const inner: ReadingStore = {
    ...stored,
    async write(batch, position) {
      const { failing } = world
      await pause()
      if (failing === 'emptied') throw new AppError('store_emptied', 'the store was emptied', { retryable: true })
      if (failing === 'nothing') throw new AppError('store_unavailable', 'write failed', { retryable: true })
      const outcome = await stored.write(batch, position)
      await pause()
      if (failing === 'all') throw new AppError('store_unavailable', 'write failed', { retryable: true })
      return outcome
    },
    async buckets(query) {
      world.asked += query.edgesMs.length - 1
      await pause()
      const answer = await stored.buckets(query)
      await pause()
      return answer
    },
    async expire(beforeMs) {
      await pause()
      await stored.expire(beforeMs)
      await pause()
    },
  }
  const world: World = { store: withRecent(inner, { bytesMax }), stored, series, failing: 'no', asked: 0 }
  return world
}

type Step =
  | { readonly do: 'write'; readonly late: boolean; readonly times: readonly number[]; readonly fail: World['failing'] }
  | { readonly do: 'expire'; readonly at: number }
  | {
      readonly do: 'read'
      readonly wait: boolean
      readonly size: string
      readonly zone: string
      readonly from: number
      readonly part: number
    }

const share = fc.double({ min: 0, max: 1, noNaN: true })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      late: fc.boolean(),
      times: fc.array(share, { minLength: 1, maxLength: 8 }),
      fail: fc.constantFrom('no', 'no', 'no', 'nothing', 'all'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const), at: share }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      wait: fc.boolean(),
      size: fc.constantFrom(...sizes),
      zone: fc.constantFrom(...zones),
      from: share,
      part: share,
    }),
  },
)

/** Reads again and again while things are written, late and twice too, expire and fail, and compares with the store itself. */
export async function readsAlike(cache: Cache, steps: readonly Step[], bytesMax: number): Promise<void> {
  const world = createWorld(bytesMax)
  const { store, stored, series } = world
  const readBuckets = createBucketReader({ readings: store, cache })
  const readRaw = createRawReader({ readings: store, cache })
  let newestMs = beginMs
  let value = 0
  let position = 0
  const running: Promise<unknown>[] = []
  // A store that had nothing, one that had something, or one that did not say what it had.
  const before = steps.length % 3
  const earlier = series.map((seriesId, i) => ({ series: seriesId, at: beginMs + i * hourMs, value: ++value }))
  if (before === 1) await stored.write(batchOf(...earlier), ++position)
  if (before < 2) await store.open()
  for (const one of steps) {
    if (one.do === 'expire') await store.expire(beginMs + one.at * lengthMs * 0.7)
    else if (one.do === 'write') {
      const readings = one.times.map((time, i) => {
        // Close to each other or far apart, in order or anywhere before, some at a time that was before.
        if (!one.late) newestMs += Math.floor(time * (i % 2 === 0 ? 5 * minuteMs : 10 * hourMs))
        const at = one.late ? beginMs + Math.floor(time * 50) * Math.floor((newestMs - beginMs) / 50) : newestMs
        return { series: series[i % 2] ?? 0, at, value: ++value }
      })
      world.failing = one.fail
      const batch = batchOf(...readings)
      await store.write(batch, ++position).catch(async () => {
        // A reader may come in between; then the same is written again.
        await checkRead(one.times[0] ?? 0)
        world.failing = 'no'
        await store.write(batch, position)
      })
    } else {
      const fromMs = beginMs + Math.floor(one.from * (newestMs - beginMs))
      const mostMs = one.size.endsWith('s') ? hourMs : one.size === '1m' ? 24 * hourMs : 10 * 24 * hourMs
      const toMs = fromMs + 1 + Math.floor(one.part * mostMs)
      const window = windowOf(one.size, one.zone, fromMs, toMs)
      if (one.wait) await compare(window)
      // One that runs beside what comes next may have either, but must keep nothing that is wrong.
      else running.push(readBuckets(series, window))
    }
  }
  await Promise.all(running)
  for (const size of ['1m', '15m', '1d'])
    await compare(windowOf(size, 'Europe/Berlin', newestMs - 3 * hourMs, newestMs + 1))

  async function checkRead(at: number): Promise<void> {
    // What is acknowledged is there, whatever of the failed write can be seen.
    await readBuckets(series, windowOf('1h', 'UTC', beginMs + Math.floor(at * (newestMs - beginMs)), newestMs + 1))
  }

  async function compareRaw({ chunks, edgesMs }: BucketWindow): Promise<void> {
    if (chunks === undefined || chunks.length > 8) return
    const range = { fromMs: edgesMs[0] ?? 0, toMs: edgesMs.at(-1) ?? 0 }
    const { columns } = await readRaw(series, chunks, range)
    for (const [i, seriesId] of series.entries()) {
      const whole = await stored.range({ seriesId, ...range, limit: 20_000 })
      expect([columns[i]?.timesMs, columns[i]?.values]).toEqual([whole.timesMs, whole.values])
    }
  }

  async function compare(window: BucketWindow): Promise<void> {
    await compareRaw(window)
    const { columns } = await readBuckets(series, window)
    for (const [i, seriesId] of series.entries()) {
      const whole = await stored.buckets({ seriesId, edgesMs: window.edgesMs })
      expect(rounded(columns[i] ?? whole)).toEqual(rounded(whole))
    }
  }
}

export const stepsOfReads = fc.array(step, { minLength: 4, maxLength: 30 })
