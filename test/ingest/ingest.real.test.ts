import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  createIngest,
  createSeriesNames,
  createSnapshotFolder,
  type Ingest,
  ingestConfigSchema,
} from '../../ingest/index.ts'
import { systemClock } from '../../model/index.ts'
import { openSegmentLog, openSegmentReader, type SegmentLog } from '../../store/log/index.ts'
import { createDuckdbReadings, duckdbReadingsConfigSchema, type ReadingStore } from '../../store/readings/index.ts'
import { openState, type State, stateConfigSchema } from '../../store/state/index.ts'
import { FrameScript, noon } from './frame-script.ts'
import { topics } from './world.ts'

const logger = pino({ level: 'silent' })

interface Platform {
  readonly log: SegmentLog
  readonly state: State
  readonly readings: ReadingStore
  readonly ingest: Ingest
  readonly failures: unknown[]
  close(): Promise<void>
}

/** Ingest on the log, the state and the readings that the platform runs with. */
async function openPlatform(folder: string): Promise<Platform> {
  const failures: unknown[] = []
  const log = await openSegmentLog({
    folder: join(folder, 'log'),
    maxBytes: 64 * 1024 * 1024,
    segmentBytes: 256 * 1024,
    reserveBytes: 0,
    consumers: ['ingest'],
  })
  const state = await openState(
    {
      file: join(folder, 'state.db'),
      migrate: true,
      tokenSecret: new Uint8Array(32),
      ...stateConfigSchema.parse({}),
    },
    { clock: systemClock, logger },
  )
  // The devices of the script are in the log only.
  const highest = async () => ({ ...(await state.series.highest()), device: 100 })
  const series = createSeriesNames({ ...state.series, highest })
  const config = duckdbReadingsConfigSchema.parse({ path: join(folder, 'readings.duckdb'), memoryMb: 256 })
  const readings = createDuckdbReadings(config, { catalog: series, logId: log.id, logger })
  const ingest = createIngest(ingestConfigSchema.parse({ batchReadings: 500, checkpointBytes: 100_000 }), {
    logId: log.id,
    log,
    reopenLog: () => openSegmentReader({ folder: join(folder, 'log'), shared: log.shared }),
    readings,
    series,
    ledger: state.ledger,
    snapshots: createSnapshotFolder(join(folder, 'snapshots')),
    topics,
    clock: systemClock,
    logger,
    onFailure: (error) => failures.push(error),
  })
  await ingest.start()
  const close = async () => {
    await ingest.stop()
    await readings.close()
    await state.close()
    await log.close()
  }
  return { log, state, readings, ingest, failures, close }
}

async function caughtUp({ ingest, failures }: Platform): Promise<void> {
  for (;;) {
    if (failures.length > 0) throw failures[0]
    if ((await ingest.queries.stats()).lagBytes === 0) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('ingest on the embedded stores', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pelbiot-ingest-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  test('stores every reading once through restarts, with redeliveries, rejections and new metrics in between', async () => {
    const rounds = 4
    const perRound = 500
    for (let round = 0; round < rounds; round++) {
      const platform = await openPlatform(folder)
      const script = new FrameScript()
      script.nowMs = noon + round * 3_600_000
      if (round === 0) script.profiles().device('m1', 1).device('m2', 2)
      for (let i = 0; i < perRound; i++) {
        const packetId = 1 + round * perRound + i
        script
          .pass(1000)
          .telemetry('m1', { voltage: 200 + (i % 50), [`extra_${round}`]: i }, { packetId })
          .telemetry('m1', { voltage: 200 + (i % 50), [`extra_${round}`]: i }, { packetId, dup: true })
          .telemetry('m2', { ts: script.nowMs - 500, values: { energy: i } })
        if (i % 100 === 0) script.publish('pel/v1/m2/telemetry', 'not json')
      }
      await platform.log.append(script.bytes())
      // Every other round ends in the middle of things.
      if (round % 2 === 0) await caughtUp(platform)
      await platform.close()
    }
    const platform = await openPlatform(folder)
    await caughtUp(platform)
    const expected = rounds * perRound * 3
    expect((await platform.readings.stats()).readings).toBe(expected)
    expect(await platform.state.ledger.rejectedCount()).toEqual({ listed: 20, total: 20 })
    const page = await platform.state.series.list({ limit: 100 })
    expect(page.items.map(({ metric }) => metric).sort()).toEqual(
      ['energy', 'extra_0', 'extra_1', 'extra_2', 'extra_3', 'voltage'].sort(),
    )
    await platform.close()
  })
})
