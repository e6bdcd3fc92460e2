import { describe, expect, test } from 'vitest'
import type { StoreMarks } from '../../store/readings/index.ts'
import { testLogId } from '../store/readings/memory-readings.ts'
import { World } from './world.ts'

/** Two devices, of which the second came later; everything is stored. */
async function usedWorld(): Promise<World> {
  const world = new World()
  world.numbers = { device: 2, series: 2 }
  world.script.device('a', 1).telemetry('a', { voltage: 1 }).device('b', 2).telemetry('b', { voltage: 2 })
  await world.digest()
  return world
}

const withMarks = (world: World, marks: Partial<StoreMarks>) => ({
  ...world.readings,
  open: async () => ({ position: 1, logId: testLogId, highestDevice: 1, highestSeries: 1, ...marks }),
})

async function refusalOf(start: Promise<void>): Promise<string> {
  const error: unknown = await start.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({ code: 'store_failed', retryable: false })
  return error instanceof Error ? error.message : ''
}

describe('parts of a data folder that do not belong together', () => {
  test.each([
    ['state from before a device was made', { device: 1, series: 2 }],
    ['state from before a series was made', { device: 2, series: 1 }],
    ['a new state', { device: 0, series: 0 }],
  ])('%s', async (_, numbers) => {
    const world = await usedWorld()
    world.numbers = numbers
    expect(await refusalOf(world.ingest().start())).toContain('state is older than readings')
  })

  test('state from before a device that only a snapshot knows', async () => {
    const world = new World()
    world.script.device('a', 1).device('b', 2)
    await world.digest()
    world.numbers = { device: 1, series: 0 }
    expect(await refusalOf(world.ingest().start())).toContain('state is older than snapshots')
  })

  test('state and readings from before a device that only the log knows', async () => {
    const world = new World()
    world.numbers = { device: 1, series: 0 }
    world.script.device('b', 2).telemetry('b', { voltage: 2 })
    const ingest = world.ingest()
    await ingest.start()
    world.announce()
    await expect.poll(() => world.failures).toMatchObject([{ code: 'store_failed' }])
    await ingest.stop()
    expect(world.series).toEqual([])
  })

  test('readings of another log', async () => {
    const world = await usedWorld()
    const readings = withMarks(world, { logId: 'another' })
    expect(await refusalOf(world.ingest({}, { readings }).start())).toContain('made from log another')
  })

  test('a log from before what is stored', async () => {
    const world = await usedWorld()
    const readings = withMarks(world, { position: 1e9 })
    expect(await refusalOf(world.ingest({}, { readings }).start())).toContain('readings reach to 1000000000')
  })

  test('are said to, with what to do, and go on once they do', async () => {
    const world = await usedWorld()
    const snapshots = new Map(world.snapshots)
    world.numbers = { device: 1, series: 1 }
    expect(await refusalOf(world.ingest().start())).toContain('from one backup')
    expect(world.snapshots).toEqual(snapshots)
    world.numbers = { device: 2, series: 2 }
    await world.digest()
    expect(await world.stored('b', 'voltage')).toEqual([[0, 2, 0]])
  })

  test('readings that are gone are made again from a log that is whole', async () => {
    const world = await usedWorld()
    const again = new World()
    again.script.device('a', 1).telemetry('a', { voltage: 1 })
    for (const [position, bytes] of world.snapshots) again.snapshots.set(position, bytes)
    await again.digest()
    expect(await again.stored('a', 'voltage')).toEqual([[0, 1, 0]])
  })
})
