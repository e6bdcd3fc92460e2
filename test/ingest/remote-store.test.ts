import { describe, expect, test } from 'vitest'
import { LimitWatch } from './limit-watch.ts'
import { RemoteReadings } from './remote-readings.ts'
import { eventually, World } from './world.ts'

const config = { batchReadings: 10, sliceBytes: 500, rulesDelayMs: 0, checkpointBytes: 2000, stopTimeoutMs: 1000 }

function send(world: World, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    world.script.pass(1000).telemetry('m1', { voltage: i, current: i / 2 })
    if (i % 10 === 0) world.script.telemetry('m1', { 'not a name': 1 })
  }
}

function begin(messages: number) {
  const world = new World()
  world.script.device('m1', 1)
  send(world, 0, messages)
  const remote = new RemoteReadings(world.series)
  const start = async (more = {}) => {
    const ingest = world.ingest(config, { evaluator: new LimitWatch(world.sink), readings: remote.store, ...more })
    await ingest.start()
    return ingest
  }
  const voltages = async () => {
    const seriesId = world.seriesId('m1', 'voltage') ?? 0
    return [...(await remote.store.range({ seriesId, fromMs: 0, toMs: 1e15, limit: 1e6 })).values]
  }
  return { world, remote, start, voltages }
}

const upTo = (count: number, from = 0) => Array.from({ length: count - from }, (_, i) => from + i)

describe('readings that the store refuses for ever', () => {
  test('are listed as rejected, with what it said and what can be sent again; the others are stored', async () => {
    const { world, remote, start } = begin(30)
    remote.refusal = (value) => (value === 7 ? 'field type conflict' : undefined)
    const ingest = await start()
    await world.caughtUp(ingest)
    const refused = world.rejected.filter(({ reason }) => reason === 'store_refused')
    // The current is half the voltage: 7 and 14.
    expect(refused).toMatchObject([
      { deviceId: 'm1', topic: 'pel/v1/m1/telemetry', detail: 'field type conflict' },
      { deviceId: 'm1' },
    ])
    const sent = refused.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()))
    expect(sent).toMatchObject([{ values: { voltage: 7 } }, { values: { current: 7 } }])
    expect((await ingest.queries.stats()).rejected.store_refused).toBe(2)
    await ingest.stop()
  })

  test('are listed up to a bound, and counted beyond it', async () => {
    const { world, remote, start } = begin(0)
    remote.refusal = () => 'no'
    world.script.telemetry(
      'm1',
      upTo(1_500).map((i) => ({ ts: world.script.nowMs - i, values: { voltage: i } })),
    )
    const ingest = await start()
    await world.caughtUp(ingest)
    const { rejected, rejectedUnlisted } = await ingest.queries.stats()
    expect([rejected.store_refused, rejectedUnlisted]).toEqual([1_500, 500])
    expect(world.rejected).toHaveLength(1_000)
    await ingest.stop()
  })
})

describe('a readings store that is out of reach at the start', () => {
  test('holds up neither the start nor the rules, and gets everything later, once', async () => {
    const { world, remote, start, voltages } = begin(300)
    remote.reachable = false
    const ingest = await start()
    await eventually(() => expect(world.recorded).toHaveLength(1))
    expect((await ingest.queries.stats()).storeDown).toBe(true)
    remote.reachable = true
    await world.caughtUp(ingest)
    expect(await voltages()).toEqual(upTo(300))
    expect(remote.written).toBe(600)
    await ingest.stop()
  })

  test('is trusted with what the newest snapshot says that it has', async () => {
    const { world, remote, start, voltages } = begin(100)
    const first = await start()
    await world.caughtUp(first)
    await first.stop()
    send(world, 100, 150)
    remote.reachable = false
    const ingest = await start()
    remote.reachable = true
    await world.caughtUp(ingest)
    expect(await voltages()).toEqual(upTo(150))
    expect(remote.written).toBe(300)
    await ingest.stop()
  })

  test('and has lost what it had meanwhile, gets again what the log still has', async () => {
    const { world, remote, start, voltages } = begin(100)
    const first = await start()
    await world.caughtUp(first)
    await first.stop()
    const oldest = Math.min(...world.snapshots.keys())
    remote.empty()
    remote.reachable = false
    send(world, 100, 150)
    const ingest = await start()
    remote.reachable = true
    await world.caughtUp(ingest)
    expect((await voltages()).length).toBeGreaterThan(50)
    expect(world.released).toBeGreaterThanOrEqual(oldest)
    expect(await voltages()).toEqual(upTo(150, 150 - (await voltages()).length))
    await ingest.stop()
  })

  test('and turns out to be of another log, ends ingest', async () => {
    const { world, remote, start } = begin(10)
    await (await start()).stop()
    remote.logId = 'another'
    remote.reachable = false
    send(world, 10, 20)
    const ingest = await start()
    remote.reachable = true
    await eventually(() => expect(world.failures).toMatchObject([{ code: 'store_failed' }]))
    await ingest.stop()
    await expect(start()).rejects.toMatchObject({ code: 'store_failed' })
  })
})

describe('a readings store that was emptied', () => {
  test('under way gets again what the log still has; nothing is listed or recorded twice', async () => {
    const { world, remote, start, voltages } = begin(100)
    const ingest = await start()
    await world.caughtUp(ingest)
    remote.empty()
    send(world, 100, 300)
    await world.caughtUp(ingest)
    const stored = await voltages()
    expect(stored).toEqual(upTo(300, 300 - stored.length))
    // Two snapshots lie closer together than 4,000 bytes of log.
    expect(stored.length).toBeGreaterThan(200)
    expect(world.rejected).toHaveLength(30)
    expect(world.recorded).toHaveLength(1)
    send(world, 300, 320)
    await world.caughtUp(ingest)
    expect((await voltages()).at(-1)).toBe(319)
    await ingest.stop()
    expect(world.failures).toEqual([])
  })

  test('while it was down, and again while it caught up', async () => {
    const { world, remote, start, voltages } = begin(100)
    const ingest = await start()
    await world.caughtUp(ingest)
    remote.reachable = false
    send(world, 100, 400)
    world.announce()
    await eventually(() => expect(world.recorded).toHaveLength(1))
    remote.empty()
    const before = remote.written
    remote.reachable = true
    await eventually(() => expect(remote.written).toBeGreaterThan(before + 50))
    // By now snapshots may have gone on with what was stored.
    const reached = (await voltages()).at(-1) ?? 0
    const oldest = Math.min(...world.snapshots.keys())
    remote.empty()
    await world.caughtUp(ingest)
    const stored = await voltages()
    expect(stored).toEqual(upTo(400, 400 - stored.length))
    expect(stored[0]).toBeLessThanOrEqual(reached + 1)
    expect(world.released).toBeGreaterThanOrEqual(oldest)
    expect(world.rejected).toHaveLength(40)
    await ingest.stop()
    expect(world.failures).toEqual([])
  })

  test('between two runs gets again what the log still has', async () => {
    const { world, remote, start, voltages } = begin(100)
    const first = await start()
    await world.caughtUp(first)
    await first.stop()
    world.tail = Math.min(...world.snapshots.keys())
    remote.empty()
    send(world, 100, 120)
    const ingest = await start()
    await world.caughtUp(ingest)
    const stored = await voltages()
    expect(stored).toEqual(upTo(120, 120 - stored.length))
    expect(stored.length).toBeGreaterThan(20)
    expect(world.rejected).toHaveLength(12)
    await ingest.stop()
  })

  test('is no obstacle to a stop; the next start finds it', async () => {
    const { world, remote, start, voltages } = begin(50)
    const ingest = await start()
    await world.caughtUp(ingest)
    remote.empty()
    send(world, 50, 60)
    world.announce()
    await ingest.stop()
    expect(world.failures).toEqual([])
    const again = await start()
    await world.caughtUp(again)
    const stored = await voltages()
    expect(stored).toEqual(upTo(60, 60 - stored.length))
    expect(stored.length).toBeGreaterThanOrEqual(10)
    await again.stop()
  })
})
