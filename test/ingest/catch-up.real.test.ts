import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AppError } from '../../model/index.ts'
import { createRuleEngine } from '../../rules/index.ts'
import { openSegmentLog, openSegmentReader } from '../../store/log/index.ts'
import { eventually, World } from './world.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pelbiot-catch-up-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('a store that is down again and again, with the log in files of its own: rules at the end of it, readings once', async () => {
  const world = new World()
  const log = await openSegmentLog({
    folder,
    maxBytes: 64 * 1024 * 1024,
    segmentBytes: 256 * 1024,
    reserveBytes: 0,
    consumers: ['ingest'],
  })
  const consumer = openSegmentReader({ folder, shared: log.shared, consumer: 'ingest' })
  let down = false
  world.fault = (step) => {
    if (down && step === 'write readings') throw new AppError('store_unavailable', 'no room', { retryable: true })
  }
  const config = { batchReadings: 500, rulesDelayMs: 0, sliceBytes: 50_000, checkpointBytes: 200_000 }
  const ingest = world.ingest(config, {
    log: consumer,
    reopenLog: () => openSegmentReader({ folder, shared: log.shared }),
    evaluator: createRuleEngine({ sink: world.sink, logger: world.logger }),
  })
  await ingest.start()
  world.script.device('m1', 1)
  const rounds = 3
  const perRound = 4000
  let appended = 0
  for (let round = 0; round < rounds; round++) {
    down = true
    for (let i = 0; i < perRound; i++)
      world.script.pass(1000).telemetry('m1', { voltage: round * perRound + i, current: 1 })
    await log.append(world.script.bytes().subarray(appended))
    appended = world.script.length
    await eventually(async () => {
      const { judgedPosition, lagBytes } = await ingest.queries.stats()
      expect(judgedPosition).toBe(log.stats().durable)
      expect(lagBytes).toBeGreaterThan(0)
    })
    down = false
    await eventually(async () => expect((await ingest.queries.stats()).lagBytes).toBe(0))
  }
  await ingest.stop()
  await consumer.close()
  await log.close()
  expect(world.failures).toEqual([])
  const values = (await world.stored('m1', 'voltage')).map(([, value]) => value)
  expect(values).toEqual(Array.from({ length: rounds * perRound }, (_, i) => i))
  expect(world.written).toBe(2 * rounds * perRound)
})
