import { describe, expect, test } from 'vitest'
import { AppError } from '../../model/index.ts'
import type { LogReader } from '../../store/log/index.ts'
import { noon } from './frame-script.ts'
import { LimitWatch } from './limit-watch.ts'
import { type EffectSink, eventually, World } from './world.ts'

const config = { batchReadings: 10, sliceBytes: 500, rulesDelayMs: 0, checkpointBytes: 2000, stopTimeoutMs: 0 }

function send(world: World, from: number, to: number): void {
  for (let i = from; i < to; i++) world.script.pass(1000).telemetry('m1', { voltage: i, current: i / 2 })
}

function worldWithMessages(count: number): World {
  const world = new World()
  world.script.device('m1', 1)
  send(world, 0, count)
  return world
}

/** Until it is called, the readings store is down. */
function stopStore(world: World): () => void {
  let down = true
  world.fault = (step) => {
    if (down && step === 'write readings') throw new AppError('store_unavailable', 'no room', { retryable: true })
  }
  return () => {
    down = false
  }
}

async function storedVoltages(world: World): Promise<readonly number[]> {
  return (await world.stored('m1', 'voltage')).map(([, value]) => value)
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)
const crossing = { text: `m1#1 voltage over 240 with 241 at ${noon + 242_000}` }

describe('while the readings store is down', () => {
  test('rules go on to the end of the log, latest values with them, and memory holds two batches', async () => {
    const world = worldWithMessages(300)
    stopStore(world)
    const ingest = world.ingest({ ...config, checkpointBytes: 1e6 }, { evaluator: new LimitWatch(world.sink) })
    await ingest.start()
    await eventually(() => expect(world.recorded).toMatchObject([crossing]))
    await eventually(async () => expect((await ingest.queries.stats()).judgedPosition).toBe(world.script.length))
    const { readings, position, storeDown } = await ingest.queries.stats()
    expect({ readings, storeDown }).toEqual({ readings: 20, storeDown: true })
    expect(position).toBeLessThanOrEqual(worldWithMessages(0).script.length)
    const { values } = await ingest.queries.latest(Int32Array.of(world.seriesId('m1', 'voltage') ?? 0))
    expect([...values]).toEqual([299])
    expect(world.snapshots.size).toBe(0)
    expect(world.released).toBe(0)
    await ingest.stop()
    expect(world.failures).toEqual([])
  })

  test("the log's consumer reads on no further than what is stored, or about to be", async () => {
    const world = worldWithMessages(300)
    stopStore(world)
    let furthest = 0
    const log: LogReader = {
      ...world.log,
      read: async (position, maxBytes) => {
        const slice = await world.log.read(position, maxBytes)
        furthest = Math.max(furthest, slice.end)
        return slice
      },
    }
    const ingest = world.ingest(config, { evaluator: new LimitWatch(world.sink), log })
    await ingest.start()
    await eventually(async () => expect((await ingest.queries.stats()).judgedPosition).toBe(world.script.length))
    expect(furthest).toBeLessThan(worldWithMessages(25).script.length)
    await ingest.stop()
  })

  test('its lag is that of what is stored, not of what is judged', async () => {
    const world = worldWithMessages(300)
    stopStore(world)
    const clock = { now: () => world.script.nowMs }
    const ingest = world.ingest(config, { evaluator: new LimitWatch(world.sink), clock })
    await ingest.start()
    await eventually(() => expect(world.recorded).toHaveLength(1))
    expect((await ingest.queries.stats()).lagMs).toBeGreaterThan(280_000)
    await ingest.stop()
  })

  test('a stop and a new start lose and double nothing', async () => {
    const world = worldWithMessages(300)
    const startStore = stopStore(world)
    for (let start = 0; start < 3; start++) {
      const ingest = world.ingest(config, { evaluator: new LimitWatch(world.sink) })
      await ingest.start()
      await eventually(async () => expect((await ingest.queries.stats()).judgedPosition).toBe(world.script.length))
      await ingest.stop()
    }
    startStore()
    await world.digest({}, { evaluator: new LimitWatch(world.sink) })
    expect(await storedVoltages(world)).toEqual(upTo(300))
    expect(world.written).toBe(600)
    expect(world.recorded).toMatchObject([crossing])
  })
})

describe('when the readings store is back', () => {
  test('everything is read again and stored once, and then the ways are one', async () => {
    const world = worldWithMessages(300)
    const startStore = stopStore(world)
    const evaluator = new LimitWatch(world.sink)
    const ingest = world.ingest(config, { evaluator })
    await ingest.start()
    await eventually(() => expect(world.recorded).toHaveLength(1))
    startStore()
    await world.caughtUp(ingest)
    send(world, 300, 320)
    await world.caughtUp(ingest)
    await ingest.stop()
    expect(await storedVoltages(world)).toEqual(upTo(320))
    expect(world.written).toBe(640)
    expect(await ingest.queries.stats()).toMatchObject({ messages: 320, readings: 640, storeDown: false })
    expect(world.released).toBeGreaterThan(0)
    // Each reading reached the rules once.
    expect(evaluator.told.filter((told) => told.startsWith('m1 voltage'))).toHaveLength(320)
  })

  test('snapshots come while it catches up, with rules that are ahead, and serve a new start', async () => {
    const world = worldWithMessages(300)
    const startStore = stopStore(world)
    const ingest = world.ingest(config, { evaluator: new LimitWatch(world.sink) })
    await ingest.start()
    await eventually(() => expect(world.recorded).toHaveLength(1))
    const crashed = new Error('crash')
    const saved: number[] = []
    startStore()
    world.fault = (step) => {
      if (step === 'snapshot saved') saved.push(Math.max(...world.snapshots.keys()))
      if (saved.length === 3) throw crashed
    }
    await eventually(() => expect(world.failures).toEqual([crashed]))
    await ingest.stop()
    expect(saved.at(-1)).toBeLessThan(world.script.length)
    world.failures.length = 0
    world.fault = () => {}
    world.tail = saved[1] ?? 0
    send(world, 300, 310)
    const evaluator = new LimitWatch(world.sink)
    await world.digest(config, { evaluator })
    expect(await storedVoltages(world)).toEqual(upTo(310))
    expect(world.written).toBe(620)
    expect(world.recorded).toMatchObject([crossing])
    // The rules' part of the snapshot was at the end of the log.
    expect(evaluator.told.filter((told) => told.startsWith('m1 voltage'))).toHaveLength(10)
  })

  test('a stop in the middle of it stores what was gathered', async () => {
    const world = worldWithMessages(300)
    const startStore = stopStore(world)
    const ingest = world.ingest({ ...config, stopTimeoutMs: 30_000 }, { evaluator: new LimitWatch(world.sink) })
    await ingest.start()
    await eventually(() => expect(world.recorded).toHaveLength(1))
    startStore()
    await ingest.stop()
    expect(world.failures).toEqual([])
    await world.digest(config, { evaluator: new LimitWatch(world.sink) })
    expect(await storedVoltages(world)).toEqual(upTo(300))
    expect(world.written).toBe(600)
    expect(world.recorded).toMatchObject([crossing])
  })

  test('the second reader of the log is closed', async () => {
    const world = worldWithMessages(300)
    const startStore = stopStore(world)
    let open = 0
    const reopenLog = () => {
      open++
      return {
        ...world.log,
        close: async () => {
          open--
        },
      }
    }
    const ingest = world.ingest(config, { evaluator: new LimitWatch(world.sink), reopenLog })
    await ingest.start()
    await eventually(() => expect(world.recorded).toHaveLength(1))
    startStore()
    await world.caughtUp(ingest)
    await eventually(() => expect(open).toBe(0))
    await ingest.stop()
  })

  test('one that fails for good ends ingest', async () => {
    const world = worldWithMessages(300)
    stopStore(world)
    const ingest = world.ingest(config, { evaluator: new LimitWatch(world.sink) })
    await ingest.start()
    await eventually(() => expect(world.recorded).toHaveLength(1))
    world.fault = () => {
      throw new AppError('store_failed', 'write failed: corrupt')
    }
    await eventually(() => expect(world.failures).toMatchObject([{ code: 'store_failed' }]))
    await ingest.stop()
  })
})

describe('a failure while the ways are parted', () => {
  test('leaves nothing behind that stores anything after the stop, and the next one stores each reading once', async () => {
    const world = worldWithMessages(300)
    const turns = async (count: number) => {
      for (let left = count; left > 0; left--) await new Promise((resolve) => setImmediate(resolve))
    }
    world.pace = () => turns(5)
    const record: EffectSink['record'] = async (effects, position) => {
      if (effects.length > 0) throw new Error('crash')
      await world.sink.record(effects, position)
    }
    const failed = Promise.withResolvers<void>()
    const onFailure = () => failed.resolve()
    const ingest = world.ingest(config, { evaluator: new LimitWatch({ ...world.sink, record }), onFailure })
    await ingest.start()
    await failed.promise
    await ingest.stop()
    const late: string[] = []
    world.fault = (step) => late.push(step)
    await turns(100)
    expect(late).toEqual([])
    await world.digest(config, { evaluator: new LimitWatch(world.sink) })
    expect(await storedVoltages(world)).toEqual(upTo(300))
    expect(world.written).toBe(600)
    expect(world.recorded).toMatchObject([crossing])
  })
})

describe('a readings store that is slow', () => {
  /** How often the log was read a second time. */
  async function partings(rulesDelayMs: number, ageMs: number): Promise<number> {
    const world = worldWithMessages(300)
    world.pace = () => new Promise((resolve) => setImmediate(resolve))
    let count = 0
    const reopenLog = () => {
      count++
      return world.log
    }
    const clock = { now: () => world.script.nowMs + ageMs }
    const evaluator = new LimitWatch(world.sink)
    const ingest = world.ingest({ ...config, rulesDelayMs }, { evaluator, reopenLog, clock })
    await ingest.start()
    await world.caughtUp(ingest)
    await ingest.stop()
    expect(await storedVoltages(world)).toEqual(upTo(300))
    expect(world.recorded).toMatchObject([crossing])
    return count
  }

  test('is waited for while the rules are not late', async () => {
    expect(await partings(10 * 60_000, 0)).toBe(0)
  })

  test('is not waited for when they are', async () => {
    expect(await partings(10 * 60_000, 10 * 60_000)).toBeGreaterThan(0)
  })
})
