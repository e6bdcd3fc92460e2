import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { openSnapshot } from '../../ingest/snapshot-file.ts'
import { AppError } from '../../model/index.ts'
import { testLogId } from '../store/readings/memory-readings.ts'
import { noon } from './frame-script.ts'
import { LimitWatch } from './limit-watch.ts'
import { eventually, World } from './world.ts'

const unavailable = () => new AppError('store_unavailable', 'write failed: no room', { retryable: true })

/** A world with the device m1 that has reported voltages, a second apart. */
function worldWith(...voltages: readonly number[]): World {
  const world = new World()
  world.script.device('m1', 1)
  report(world, ...voltages)
  return world
}

function report(world: World, ...voltages: readonly number[]): void {
  for (const voltage of voltages) world.script.pass(1000).telemetry('m1', { voltage })
}

/** What reached a fresh evaluator of the script's readings. */
async function toldBy(world: World): Promise<readonly string[]> {
  const watch = new LimitWatch(world.sink)
  await world.digest({}, { evaluator: watch })
  return watch.told.filter((told) => !told.startsWith('control'))
}

const readingsOf = async (world: World) => (await toldBy(world)).filter((told) => !told.startsWith('seen'))
const notJudged = async (world: World) => {
  const ingest = await world.digest({}, { evaluator: new LimitWatch(world.sink) })
  return (await ingest.queries.stats()).notJudged
}

describe('what reaches the rules', () => {
  test('readings in their order, and before them the device that sent them', async () => {
    const world = worldWith(230)
    world.script.telemetry('m1', [
      { ts: noon + 2000, values: { voltage: 231, current: 2 } },
      { ts: noon + 3000, values: { voltage: 232 } },
    ])
    expect(await toldBy(world)).toEqual([
      'seen m1',
      'm1 voltage 230',
      'seen m1',
      'm1 voltage 231',
      'm1 current 2',
      'm1 voltage 232',
    ])
  })

  test.each<readonly [string, (world: World) => unknown]>([
    ['late', (w) => w.script.telemetry('m1', { ts: noon - 60_000, values: { voltage: 500 } })],
    ['of the same time', (w) => w.script.telemetry('m1', { ts: noon + 1000, values: { voltage: 500 } })],
    ['the same again', (w) => w.script.telemetry('m1', { ts: noon + 1000, values: { voltage: 230 } })],
    ['of a clock 6 min ahead', (w) => w.script.telemetry('m1', { ts: noon + 361_000, values: { voltage: 500 } })],
  ])('a reading that is %s does not, and is counted', async (_, send) => {
    const world = worldWith(230)
    send(world)
    expect(await notJudged(world)).toBe(1)
    const again = worldWith(230)
    send(again)
    report(again, 231)
    expect(await readingsOf(again)).toEqual(['m1 voltage 230', 'm1 voltage 231'])
  })

  test('neither does a message that is delivered again, nor a value that cannot be used', async () => {
    const world = worldWith()
    world.script
      .telemetry('m1', { voltage: 230 }, { packetId: 7 })
      .pass(1000)
      .telemetry('m1', { voltage: 230 }, { packetId: 7, dup: true })
      .telemetry('m1', { voltage: '500', current: 3 })
    expect(await readingsOf(world)).toEqual(['m1 voltage 230', 'm1 current 3'])
  })

  test('a suspect one does, and says so', async () => {
    expect(await readingsOf(worldWith(230, 1e6))).toEqual(['m1 voltage 230', 'm1 voltage 1000000 suspect'])
  })

  test('a device is heard by whatever comes from it or for it, be it of use or not', async () => {
    const world = worldWith()
    world.script
      .device('m2', 2)
      .publish('pel/v1/m2/telemetry', '{"voltage":1}', { from: 'm1/c' })
      .publish('pel/v1/m1/telemetry', 'not json')
      .publish('no/such/topic', '1', { from: 'm1/c' })
      .publish('pel/v1/m1/status', '', { retain: true })
      .refusal('pel/v1/m2/telemetry', 'forbidden_topic', 'x', 'm1/c')
      .presence('connected', 'm1/c')
    expect(await toldBy(world)).toEqual(['seen m1', 'seen m2', 'm2 voltage 1', ...Array(4).fill('seen m1')])
  })

  test('records do once ingest knows them, those that are not its own too', async () => {
    const world = new World()
    world.script.device('m1', 1).control('rule/r', { any: 1 }).control('alert/a', { resolve: true })
    world.script.control('device/m1', undefined)
    const watch = new LimitWatch(world.sink)
    await world.digest({}, { evaluator: watch })
    expect(watch.told.slice(-4)).toEqual([
      'control device/m1',
      'control rule/r',
      'control alert/a',
      'control device/m1',
    ])
  })

  test('who watches a device is asked once, and again when it has more metrics or the answer may have changed', async () => {
    const world = worldWith(1, 2, 3)
    world.script.control('rule/limit', { any: 1 })
    report(world, 4, 5)
    const watch = new LimitWatch(world.sink)
    await world.digest({}, { evaluator: watch })
    // When it is heard, with its first metric, and after the rule.
    expect(watch.asked).toBe(3)
  })
})

describe('what the rules find', () => {
  const crossings = [
    { text: `m1#1 voltage over 240 with 250 at ${noon + 2000}` },
    { text: `m1#1 voltage under 240 with 230 at ${noon + 3000}` },
  ]

  test('is recorded once, though the process ends after the readings are stored and before it is', async () => {
    const world = worldWith(230, 250, 230)
    world.fault = (step) => {
      if (step === 'record effects') throw unavailable()
      if (step === 'rejected listed') throw new Error('crash')
    }
    const doomed = world.ingest({ checkpointBytes: 1, stopTimeoutMs: 0 }, { evaluator: new LimitWatch(world.sink) })
    await doomed.start()
    await eventually(() => expect(world.failures).toHaveLength(1))
    await doomed.stop()
    expect(await world.stored('m1', 'voltage')).toHaveLength(3)
    expect(world.recorded).toEqual([])
    world.failures.length = 0
    world.fault = () => {}
    await world.digest({}, { evaluator: new LimitWatch(world.sink) })
    expect(world.recorded).toMatchObject(crossings)
    expect(world.written).toBe(3)
  })

  test('is recorded once, though the process ends after it is and before the readings are stored', async () => {
    const world = worldWith(230, 250, 230)
    world.fault = (step) => {
      if (step === 'write readings') throw unavailable()
    }
    const doomed = world.ingest({ stopTimeoutMs: 0 }, { evaluator: new LimitWatch(world.sink) })
    await doomed.start()
    await eventually(() => expect(world.recorded).toHaveLength(2))
    await doomed.stop()
    expect(await world.stored('m1', 'voltage')).toEqual([])
    world.fault = () => {}
    await world.digest({}, { evaluator: new LimitWatch(world.sink) })
    expect(world.recorded).toMatchObject(crossings)
    expect(await world.stored('m1', 'voltage')).toHaveLength(3)
  })

  test('is recorded once, though recording it fails before and after it is done', async () => {
    const world = worldWith(230, 250)
    const fails = new Set(['record effects', 'effects recorded'])
    world.fault = (step) => {
      if (fails.delete(step)) throw unavailable()
    }
    const ingest = world.ingest({}, { evaluator: new LimitWatch(world.sink) })
    await ingest.start()
    await eventually(() => expect(fails).toEqual(new Set()))
    report(world, 230)
    await world.caughtUp(ingest)
    await ingest.stop()
    expect(world.recorded).toMatchObject(crossings)
  })

  test('that cannot be recorded, and never will be, ends ingest', async () => {
    const world = worldWith(250)
    world.fault = (step) => {
      if (step === 'record effects') throw new AppError('store_failed', 'record failed: corrupt')
    }
    const ingest = world.ingest({}, { evaluator: new LimitWatch(world.sink) })
    await ingest.start()
    await eventually(() => expect(world.failures).toMatchObject([{ message: 'record failed: corrupt' }]))
    await ingest.stop()
  })

  test('goes on where the snapshot left it', async () => {
    const world = worldWith(250)
    await world.digest({}, { evaluator: new LimitWatch(world.sink) })
    world.tail = world.script.length
    report(world, 260, 230)
    world.script.pass(200_000).tick()
    await world.digest({}, { evaluator: new LimitWatch(world.sink) })
    expect(world.recorded).toMatchObject([
      { text: `m1#1 voltage over 240 with 250 at ${noon + 1000}` },
      { text: `m1#1 voltage under 240 with 230 at ${noon + 3000}` },
      { text: `m1 silent at ${noon + 183_000}` },
    ])
  })
})

describe('a memory older than the evaluator', () => {
  test('a snapshot without one is read, and the evaluator is told of the devices there are', async () => {
    const world = worldWith(230)
    await world.digest()
    world.tail = world.script.length
    report(world, 250)
    const watch = new LimitWatch(world.sink)
    await world.digest({}, { evaluator: watch })
    expect(watch.told).toContain('control profile/meter-1ph')
    expect(watch.told).toContain('control device/m1')
    expect(world.recorded).toMatchObject([{ text: `m1#1 voltage over 240 with 250 at ${noon + 2000}` }])
  })

  test('a snapshot of the version before there were any is read', async () => {
    const world = worldWith(230)
    await world.digest()
    const position = world.script.length
    const file = world.snapshots.get(position) ?? new Uint8Array(0)
    const { memory } = openSnapshot(file, { logId: testLogId, position }) ?? {}
    world.snapshots.set(position, versionOne(position, memory ?? new Uint8Array(0)))
    world.tail = position
    report(world, 250)
    await world.digest({}, { evaluator: new LimitWatch(world.sink) })
    expect(world.recorded).toHaveLength(1)
    expect(world.written).toBe(2)
  })

  test('a snapshot ahead of what the evaluator has recorded is not used', async () => {
    const world = worldWith(230, 250)
    await world.digest({}, { evaluator: new LimitWatch(world.sink) })
    const { recorded } = world
    const forgetful = new World()
    forgetful.script.device('m1', 1)
    report(forgetful, 230, 250)
    for (const [position, bytes] of world.snapshots) forgetful.snapshots.set(position, bytes)
    const marks = { position: forgetful.script.length, logId: testLogId, highestDevice: 0, highestSeries: 0 }
    const readings = { ...forgetful.readings, open: async () => marks }
    const ledger = { ...forgetful.ledger, position: async () => forgetful.script.length }
    await forgetful.digest({}, { evaluator: new LimitWatch(forgetful.sink), readings, ledger })
    expect(forgetful.recorded).toEqual(recorded)
    expect(forgetful.written).toBe(0)
  })
})

/** A snapshot file as it was written before evaluators. */
function versionOne(position: number, memory: Uint8Array): Uint8Array {
  const header = Buffer.alloc(24)
  header.write('PELMEM')
  header.writeUInt16LE(1, 6)
  header.writeDoubleLE(position, 8)
  header.writeUInt32LE(memory.length, 16)
  header.writeUInt32LE(crc32(memory), 20)
  return Buffer.concat([header, memory])
}
