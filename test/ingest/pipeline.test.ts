import { describe, expect, test } from 'vitest'
import { AppError } from '../../model/index.ts'
import { noon } from './frame-script.ts'
import { eventually, World } from './world.ts'

function worldWithMessages(count: number): World {
  const world = new World()
  world.script.device('m1', 1)
  send(world, count)
  return world
}

function send(world: World, count: number): void {
  for (let i = 0; i < count; i++) world.script.pass(1000).telemetry('m1', { voltage: i })
}

const storedCount = async (world: World) => (await world.stored('m1', 'voltage')).length
const retryable = () => new AppError('store_unavailable', 'write failed: no room', { retryable: true })

describe('the pipeline', () => {
  test('stores what arrives while it runs', async () => {
    const world = worldWithMessages(1)
    const ingest = world.ingest()
    await ingest.start()
    await world.caughtUp(ingest)
    send(world, 2)
    await world.caughtUp(ingest)
    expect(await storedCount(world)).toBe(3)
    await ingest.stop()
  })

  test('tries again while a store is not available, says so, and loses nothing', async () => {
    const world = worldWithMessages(3)
    const down = { left: 3 }
    world.fault = (step) => {
      if (step === 'write readings' && down.left-- > 0) throw retryable()
    }
    const ingest = world.ingest()
    await ingest.start()
    await eventually(async () => expect((await ingest.queries.stats()).storeDown).toBe(true))
    await world.caughtUp(ingest)
    expect((await ingest.queries.stats()).storeDown).toBe(false)
    expect(await storedCount(world)).toBe(3)
    await ingest.stop()
  })

  test('reads no more than two batches ahead of a store that is down', async () => {
    const world = worldWithMessages(1000)
    world.fault = (step) => {
      if (step === 'write readings') throw retryable()
    }
    const ingest = world.ingest({ batchReadings: 100, sliceBytes: 2000, stopTimeoutMs: 10 })
    await ingest.start()
    await eventually(async () => expect((await ingest.queries.stats()).readings).toBe(200))
    const { lagBytes, position } = await ingest.queries.stats()
    expect(position + lagBytes).toBe(world.script.length)
    expect(lagBytes).toBeGreaterThan(10_000)
    await ingest.stop()
    expect(world.failures).toEqual([])
    world.fault = () => {}
    await world.digest()
    expect(await storedCount(world)).toBe(1000)
  })

  test('ends with an error that trying again cannot mend, and the next one goes on', async () => {
    const world = worldWithMessages(5)
    world.fault = (step) => {
      if (step === 'write readings') throw new AppError('store_failed', 'write failed: corrupt')
    }
    const ingest = world.ingest()
    await ingest.start()
    await eventually(() => expect(world.failures).toHaveLength(1))
    await ingest.stop()
    world.failures.length = 0
    world.fault = () => {}
    await world.digest()
    expect(await storedCount(world)).toBe(5)
  })

  test('ends on a log that holds no whole frame where one should be', async () => {
    const world = worldWithMessages(3)
    const { read } = world.log
    const cut: typeof read = async (position, maxBytes) => {
      const slice = await read(position, maxBytes)
      return { ...slice, bytes: slice.bytes.subarray(0, -3) }
    }
    const ingest = world.ingest({}, { log: { ...world.log, read: cut } })
    await ingest.start()
    await eventually(() => expect(world.failures).toMatchObject([{ code: 'log_failed' }]))
    await ingest.stop()
  })

  test('stops at any time, before and after it has started, and twice', async () => {
    const world = worldWithMessages(100)
    const ingest = world.ingest({ batchReadings: 7 })
    await ingest.stop()
    void ingest.start()
    await Promise.all([ingest.stop(), ingest.stop()])
    await world.digest()
    expect(await storedCount(world)).toBe(100)
    expect(world.written).toBe(100)
  })

  test('counts only what is new to the stores', async () => {
    const world = worldWithMessages(10)
    await world.digest()
    for (const position of world.snapshots.keys()) world.snapshots.delete(position)
    send(world, 5)
    const ingest = await world.digest()
    const { messages, readings } = await ingest.queries.stats()
    expect({ messages, readings, written: world.written }).toEqual({ messages: 5, readings: 5, written: 15 })
  })

  test('says how far behind it is', async () => {
    const world = worldWithMessages(10)
    world.fault = (step) => {
      if (step === 'write readings') throw retryable()
    }
    const ingest = world.ingest({ stopTimeoutMs: 10 }, { clock: { now: () => noon + 60_000 } })
    await ingest.start()
    await eventually(async () => expect((await ingest.queries.stats()).readings).toBe(10))
    expect(await ingest.queries.stats()).toMatchObject({ position: 0, lagBytes: world.script.length, lagMs: 50_000 })
    await ingest.stop()
  })

  test('passes over a control frame that it does not understand', async () => {
    const world = worldWithMessages(1)
    world.script.control('device/m1', { id: 'm1' }).control('rule/r1', { any: 1 }).control('profile/x', undefined)
    send(world, 1)
    await world.digest()
    expect(await storedCount(world)).toBe(2)
  })
})
