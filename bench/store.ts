/**
 * The readings stores on their own: 2 M rows of six values of 1,000 `meter-1ph` over 30 days, in order, in batches:
 *   npm run -s bench -- store [--rows 2000000] [--devices 1000] [--days 30] [--batch 20000] [--only duckdb|influxdb] [--json]
 * Queries are medians of five; `allDailyMax` is a query per device, all asked at once: what the port offers. InfluxDB is
 * Debian's, started and removed here. With `--every S` each device reports every S seconds instead, and what is asked is one
 * series' buckets over a day, a month, 90 days and a year, as far as the days reach, with percentiles; once more while 10,000
 * rows/s are written (`store-ranges.ts`).
 */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { pino } from 'pino'
import {
  builtInProfiles,
  parseDeviceId,
  type ReadingBatch,
  ReadingBatchBuilder,
  type SeriesId,
  systemClock,
} from '../model/index.ts'
import {
  createDuckdbReadings,
  createInfluxdbReadings,
  duckdbReadingsConfigSchema,
  influxdbReadingsConfigSchema,
  type ReadingStore,
  type RollableStore,
  type SeriesCatalog,
  type SeriesInfo,
} from '../store/readings/index.ts'
import { startInfluxdb } from '../test/setup/influxdb.ts'
import { makeTempFolder } from '../test/setup/temp-folder.ts'
import type { Bench } from './bench.ts'
import { median } from './median.ts'
import { memoryMb } from './process-stats.ts'
import { askRanges } from './store-ranges.ts'

const dayMs = 86_400_000
/** A server that writes nothing for so long has written everything down. */
const settleMs = 8_000
/** 2026-03-01T00:00:00Z */
const startMs = 1_772_323_200_000

const [profile] = builtInProfiles
if (profile === undefined) throw new Error('bench store failed: no profile')
const { id: profileId, metrics } = profile

const catalog: SeriesCatalog = {
  get: (seriesId): SeriesInfo | undefined => {
    const device = Math.floor((seriesId - 1) / metrics.length)
    const metric = metrics[(seriesId - 1) % metrics.length]
    if (metric === undefined || device < 0) return undefined
    const deviceId = parseDeviceId(`meter-${device}`)
    return { seriesId, deviceId, deviceNumber: device + 1, metric: metric.name, profileId, known: true }
  },
  bearersOf: (deviceId) => [Number(deviceId.slice('meter-'.length)) + 1],
}

function seriesOf(device: number, metric: number): SeriesId {
  return device * metrics.length + metric + 1
}

/** Values as meters send them: two decimals, slowly changing, the register rising. */
function fill(
  batch: ReadingBatchBuilder,
  rows: {
    readonly from: number
    readonly to: number
    readonly stepMs: number
    readonly devices: number
    readonly firstMs?: number
  },
) {
  const { devices, firstMs = startMs } = rows
  batch.clear()
  for (let row = rows.from; row < rows.to; row++) {
    const device = row % devices
    const turn = Math.floor(row / devices)
    const timeMs = Math.floor(firstMs + turn * rows.stepMs)
    for (let metric = 0; metric < metrics.length; metric++) {
      const wave = Math.sin(turn / 40 + device + metric)
      const value = metric === 3 ? 10_000 + turn * 0.25 + device : Math.round((220 + 30 * wave) * 100) / 100
      batch.push(seriesOf(device, metric), timeMs, value, 0, timeMs + 40, Number.NaN)
    }
  }
}

async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

async function write(store: ReadingStore, { rows, batchRows, devices, days }: Load) {
  const stepMs = (days * dayMs * devices) / rows
  const builder = new ReadingBatchBuilder(batchRows * metrics.length)
  const batchMs: number[] = []
  for (let from = 0; from < rows; from += batchRows) {
    fill(builder, { from, to: Math.min(rows, from + batchRows), stepMs, devices })
    const batch: ReadingBatch = builder
    batchMs.push(await timeMs(() => store.write(batch, from + 1)))
  }
  batchMs.sort((a, b) => a - b)
  const totalMs = batchMs.reduce((sum, ms) => sum + ms, 0)
  return {
    rowsPerS: Math.round((rows / totalMs) * 1_000),
    writeP50Ms: round(batchMs[Math.floor(batchMs.length * 0.5)] ?? 0),
    writeMaxMs: round(batchMs.at(-1) ?? 0),
  }
}

/** `after`: days that others have written since. */
async function ask(store: ReadingStore, load: Load, after = 0) {
  const { devices, days } = load
  if (load.everyMs !== undefined) return askBuckets(store, { ...load, after })
  const dayStartMs = startMs + 12 * dayMs
  const dailyEdges = Float64Array.from({ length: days + 1 }, (_, day) => startMs + day * dayMs)
  const power = Array.from({ length: devices }, (_, device) => seriesOf(device, 2))
  const queries: Readonly<Record<string, (round: number) => Promise<unknown>>> = {
    deviceDay: (n) =>
      store.range({ seriesId: seriesOf(n * 7, 0), fromMs: dayStartMs, toMs: dayStartMs + dayMs, limit: 10_000 }),
    deviceMonth: (n) => store.buckets({ seriesId: seriesOf(n * 7, 2), edgesMs: dailyEdges }),
    allDailyMax: () => Promise.all(power.map((seriesId) => store.buckets({ seriesId, edgesMs: dailyEdges }))),
    latest: () => store.latest(Int32Array.from({ length: devices * metrics.length }, (_, i) => i + 1)),
  }
  const figures: Record<string, number> = {}
  for (const [name, query] of Object.entries(queries)) {
    const times: number[] = []
    // A thousand queries are their own repetition.
    for (let n = 0; n < (name === 'allDailyMax' ? 1 : 5); n++) times.push(await timeMs(() => query(n)))
    figures[name] = round(median(times))
  }
  return figures
}

/** In calm, and while 10,000 rows/s more are written, newer than all others. */
async function askBuckets(store: ReadingStore, { devices, days, after }: Load & { readonly after: number }) {
  const series = Array.from({ length: Math.min(devices, 20) }, (_, i) => seriesOf((i * 7) % devices, 2))
  const builder = new ReadingBatchBuilder(1_000 * metrics.length)
  const rows = { stepMs: 1_000, devices, firstMs: startMs + (days + after) * dayMs }
  const batch = (n: number) => {
    fill(builder, { ...rows, from: n * 1_000, to: (n + 1) * 1_000 })
    return builder
  }
  const calm = await askRanges(store, { startMs, days, series, writing: undefined })
  return { calm, writing: await askRanges(store, { startMs, days, series, writing: { rowsPerS: 10_000, batch } }) }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

const deps = { catalog, logId: 'bench', clock: systemClock, logger: pino({ level: 'silent' }) }

interface Load {
  readonly rows: number
  readonly batchRows: number
  readonly devices: number
  readonly days: number
  /** How often each device reports; undefined: as the rows are spread. */
  readonly everyMs: number | undefined
}

/** Queries are timed on what was just written, and again after every day was rewritten. */
async function measureDuckdb(load: Load, say: (line: string) => void) {
  using folder = makeTempFolder('bench')
  const config = duckdbReadingsConfigSchema.parse({ path: join(folder.path, 'readings.duckdb') })
  const empty = createDuckdbReadings(config, deps)
  await empty.open()
  const written = await write(empty, load)
  const rssAnonMb = round(memoryMb(process.pid).rssAnon)
  await empty.close()
  const store = createDuckdbReadings(config, deps)
  const openMs = round(await timeMs(() => store.open()))
  const { readings, bytes } = await store.stats()
  const queriesMs = await ask(store, load)
  say('rewrites every day')
  const compactMs = round(
    await timeMs(async () => {
      for (let day = 0; day < load.days; day++) await store.compact(startMs + day * dayMs)
    }),
  )
  const compacted = await ask(store, load, 1)
  const rolled = await rollUp(store, load, say)
  await store.close()
  const bytesPerReading = round((bytes ?? 0) / (readings ?? 0))
  return {
    name: 'duckdb',
    ...written,
    bytesPerReading,
    queriesMs,
    compactedMs: compacted,
    compactMs,
    ...rolled,
    openMs,
    rssAnonMb,
  }
}

/**
 * The same questions once everything is rolled up, and what that took. Where devices report more seldom than a rollup is long there
 * is nothing to learn from it.
 */
async function rollUp(store: ReadingStore & RollableStore, load: Load, say: (line: string) => void) {
  if (load.everyMs === undefined) return {}
  say('rolls up everything')
  const beforeMs = startMs + load.days * dayMs
  let longestStepMs = 0
  const rollMs = await timeMs(async () => {
    for (let done = false; !done; )
      longestStepMs = Math.max(
        longestStepMs,
        await timeMs(async () => {
          done = (await store.rollUp(beforeMs, 'all')) === undefined
        }),
      )
  })
  const { bytes } = await store.stats()
  const bytesPerReading = bytes === null ? null : round(bytes / (load.rows * metrics.length))
  const rolledMs = await ask(store, load, 2)
  return { rolledMs, rollup: { rollMs: round(rollMs), longestStepMs: round(longestStepMs), bytesPerReading } }
}

/** A server of its own, with default settings but that it soon writes down what is only in its log. */
async function measureInfluxdb(load: Load, say: (line: string) => void) {
  await using server = await startInfluxdb({
    env: {
      INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION: '2s',
      INFLUXDB_DATA_COMPACT_FULL_WRITE_COLD_DURATION: '5s',
    },
  })
  const config = influxdbReadingsConfigSchema.parse({ url: server.url, timeoutMs: 120_000 })
  const store = createInfluxdbReadings(config, deps)
  await store.open()
  const written = await write(store, load)
  const serverRssAnonMb = round(memoryMb(server.pid).rssAnon)
  say('waits until it has written everything down')
  const bytes = await settledSize(server.folder)
  const queriesMs = await ask(store, load)
  const rolled = await rollUp(store, load, say)
  await store.close()
  const bytesPerReading = round(bytes / (load.rows * metrics.length))
  return { name: 'influxdb', ...written, bytesPerReading, queriesMs, ...rolled, serverRssAnonMb }
}

/** Of all files, once it does not change any more. */
async function settledSize(folder: string): Promise<number> {
  let before = -1
  for (let size = sizeOf(folder); size !== before; size = sizeOf(folder)) {
    before = size
    await delay(settleMs)
  }
  return before
}

function sizeOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  // One that was merged into another in between is gone.
  const sizes = files.map(({ parentPath, name }) => statSync(join(parentPath, name), { throwIfNoEntry: false })?.size)
  return sizes.reduce((sum: number, size = 0) => sum + size, 0)
}

/** Side by side, one after the other: the same rows, the same questions. */
export const benchStore: Bench = async ({ args, say }) => {
  const text = { type: 'string' } as const
  const options = { rows: text, devices: text, days: text, batch: text, every: text, only: text }
  const { values } = parseArgs({ args: [...args], options })
  const [devices, days] = [Number(values.devices ?? 1_000), Number(values.days ?? 30)]
  const everyMs = values.every === undefined ? undefined : Number(values.every) * 1_000
  const rows = everyMs === undefined ? Number(values.rows ?? 2_000_000) : (days * dayMs * devices) / everyMs
  const load: Load = { rows, batchRows: Number(values.batch ?? 20_000), devices, days, everyMs }
  const measures = { duckdb: measureDuckdb, influxdb: measureInfluxdb }
  const stores = []
  for (const [name, measure] of Object.entries(measures)) {
    if (values.only !== undefined && values.only !== name) continue
    say(`${name}: writes ${rows} rows of ${devices} devices over ${days} days in batches of ${load.batchRows}`)
    stores.push(await measure(load, say))
  }
  return { stores }
}
