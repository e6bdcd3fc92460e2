/**
 * The readings store on its own: 2 M rows of six values of 1,000 `meter-1ph` over 30 days, in order, in batches:
 *   node bench/store.ts [--rows 2000000] [--batch 20000]
 * Queries are timed on what was just written, and again after every day was rewritten (`compacted`); medians of five.
 * `allDailyMax` is a query per device, all asked at once: what the port offers.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { pino } from 'pino'
import {
  builtInProfiles,
  parseDeviceId,
  type ReadingBatch,
  ReadingBatchBuilder,
  type SeriesId,
} from '../model/index.ts'
import {
  createDuckdbReadings,
  duckdbReadingsConfigSchema,
  type ReadingStore,
  type SeriesCatalog,
  type SeriesInfo,
} from '../store/readings/index.ts'
import type { Bench } from './bench.ts'
import { median } from './median.ts'
import { memoryMb } from './process-stats.ts'

const dayMs = 86_400_000
const days = 30
const devices = 1_000
/** 2026-03-01T00:00:00Z */
const startMs = 1_772_323_200_000

const [profile] = builtInProfiles
if (profile === undefined) throw new Error('bench store failed: no profile')
const { id: profileId, metrics } = profile

const catalog: SeriesCatalog = {
  get: (seriesId): SeriesInfo | undefined => {
    const device = Math.floor((seriesId - 1) / metrics.length)
    const metric = metrics[(seriesId - 1) % metrics.length]
    if (metric === undefined || device < 0 || device >= devices) return undefined
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
  rows: { readonly from: number; readonly to: number; readonly stepMs: number },
) {
  batch.clear()
  for (let row = rows.from; row < rows.to; row++) {
    const device = row % devices
    const turn = Math.floor(row / devices)
    const timeMs = Math.floor(startMs + turn * rows.stepMs)
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

async function write(store: ReadingStore, rows: number, batchRows: number) {
  const stepMs = (days * dayMs * devices) / rows
  const builder = new ReadingBatchBuilder(batchRows * metrics.length)
  const batchMs: number[] = []
  for (let from = 0; from < rows; from += batchRows) {
    fill(builder, { from, to: Math.min(rows, from + batchRows), stepMs })
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

async function ask(store: ReadingStore) {
  const dayStartMs = startMs + 12 * dayMs
  const dailyEdges = Float64Array.from({ length: days + 1 }, (_, day) => startMs + day * dayMs)
  const power = Array.from({ length: devices }, (_, device) => seriesOf(device, 2))
  const queries: Readonly<Record<string, (round: number) => Promise<unknown>>> = {
    deviceDayMs: (n) =>
      store.range({ seriesId: seriesOf(n * 7, 0), fromMs: dayStartMs, toMs: dayStartMs + dayMs, limit: 10_000 }),
    deviceMonthMs: (n) => store.buckets({ seriesId: seriesOf(n * 7, 2), edgesMs: dailyEdges }),
    allDailyMaxMs: () => Promise.all(power.map((seriesId) => store.buckets({ seriesId, edgesMs: dailyEdges }))),
    latestMs: () => store.latest(Int32Array.from({ length: devices * metrics.length }, (_, i) => i + 1)),
  }
  const figures: Record<string, number> = {}
  for (const [name, query] of Object.entries(queries)) {
    const times: number[] = []
    // A thousand queries are their own repetition.
    for (let n = 0; n < (name === 'allDailyMaxMs' ? 1 : 5); n++) times.push(await timeMs(() => query(n)))
    figures[name] = round(median(times))
  }
  return figures
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

export const benchStore: Bench = async ({ args, say }) => {
  const { values } = parseArgs({ args: [...args], options: { rows: { type: 'string' }, batch: { type: 'string' } } })
  const rows = Number(values.rows ?? 2_000_000)
  const batchRows = Number(values.batch ?? 20_000)
  const folder = await mkdtemp(join(tmpdir(), 'pelbiot-bench-'))
  try {
    const config = duckdbReadingsConfigSchema.parse({ path: join(folder, 'readings.duckdb') })
    const deps = { catalog, logId: 'bench', logger: pino({ level: 'silent' }) }
    const empty = createDuckdbReadings(config, deps)
    await empty.open()
    say(`writes ${rows} rows in batches of ${batchRows}`)
    const written = await write(empty, rows, batchRows)
    const { rssAnon } = memoryMb(process.pid)
    await empty.close()
    const store = createDuckdbReadings(config, deps)
    const openMs = round(await timeMs(() => store.open()))
    const { readings, bytes } = await store.stats()
    const asWritten = await ask(store)
    say('rewrites every day')
    const compactMs = round(
      await timeMs(async () => {
        for (let day = 0; day < days; day++) await store.compact(startMs + day * dayMs)
      }),
    )
    const compacted = await ask(store)
    await store.close()
    const duckdb = {
      name: 'duckdb',
      ...written,
      bytesPerReading: round((bytes ?? 0) / (readings ?? 0)),
      rssAnonMb: round(rssAnon),
    }
    return { stores: [{ ...duckdb, ...asWritten, compacted, compactMs, openMs }] }
  } finally {
    await rm(folder, { recursive: true })
  }
}

if (import.meta.main) {
  const figures = await benchStore({ args: process.argv.slice(2), say: (line) => process.stderr.write(`${line}\n`) })
  process.stdout.write(`${JSON.stringify(figures)}\n`)
}
