import { describe, expect, test } from 'vitest'
import { createRedeliveryMemory } from '../../ingest/memory/redelivery-memory.ts'
import { World } from './world.ts'

function worldWithMeter(): World {
  const world = new World()
  world.script.device('m1', 1)
  return world
}

const values = async (world: World) => (await world.stored('m1', 'voltage')).map(([, value]) => value)

describe('a message without a time, delivered again', () => {
  test('counts once', async () => {
    const world = worldWithMeter()
    world.script
      .telemetry('m1', { voltage: 1 }, { packetId: 7 })
      .pass(5000)
      .telemetry('m1', { voltage: 1 }, { packetId: 7, dup: true })
      .telemetry('m1', { voltage: 1 }, { packetId: 7, dup: true, qos: 2 })
      .publish('panel/m1/volt', '5', { packetId: 8, from: 'm1/c' })
      .publish('panel/m1/volt', '5', { packetId: 8, from: 'm1/c', dup: true })
    const ingest = await world.digest()
    expect(await values(world)).toEqual([1, 5])
    expect((await ingest.queries.stats()).redeliveries).toBe(3)
  })

  test('is recognised across a restart', async () => {
    const world = worldWithMeter()
    world.script.telemetry('m1', { voltage: 1 }, { packetId: 7 })
    await world.digest()
    world.script.pass(60_000).telemetry('m1', { voltage: 1 }, { packetId: 7, dup: true })
    await world.digest()
    expect(await values(world)).toEqual([1])
  })

  test.each([
    ['without DUP', { packetId: 7 }, { voltage: 1 }],
    ['with another packet identifier', { packetId: 8, dup: true }, { voltage: 1 }],
    ['in another session', { packetId: 7, dup: true, session: 2 }, { voltage: 1 }],
    ['from another client', { packetId: 7, dup: true, from: 'm1/other' }, { voltage: 1 }],
    ['with another payload', { packetId: 7, dup: true }, { voltage: 1.0001 }],
  ])('%s is a new one', async (_, options, payload) => {
    const world = worldWithMeter()
    world.script.telemetry('m1', { voltage: 1 }, { packetId: 7 }).pass(1000).telemetry('m1', payload, options)
    await world.digest()
    expect((await values(world)).length).toBe(2)
  })

  test('is a new one when another message has had the packet identifier since', async () => {
    const world = worldWithMeter()
    world.script
      .telemetry('m1', { voltage: 1 }, { packetId: 7 })
      .pass(1000)
      .telemetry('m1', { voltage: 2 }, { packetId: 7 })
      .pass(1000)
      .telemetry('m1', { voltage: 1 }, { packetId: 7, dup: true })
    await world.digest()
    expect(await values(world)).toEqual([1, 2, 1])
  })
})

describe('a reading with a time, sent again', () => {
  test('is one reading however often it is sent', async () => {
    const world = worldWithMeter()
    const reading = { ts: world.script.nowMs - 5000, values: { voltage: 1 } }
    world.script.telemetry('m1', reading).pass(1000).telemetry('m1', reading, { session: 2 }).telemetry('m1', reading)
    const ingest = await world.digest()
    expect(await world.stored('m1', 'voltage')).toEqual([[-5000, 1, 0]])
    expect((await ingest.queries.stats()).duplicates).toBe(2)
  })

  test('keeps the mark that its first arrival earned', async () => {
    const world = worldWithMeter()
    const dropped = { ts: world.script.nowMs - 1000, values: { energy: 5 } }
    world.script
      .telemetry('m1', { ts: world.script.nowMs - 61_000, values: { energy: 100 } })
      .telemetry('m1', dropped)
      .telemetry('m1', dropped)
    await world.digest()
    expect((await world.stored('m1', 'energy')).at(-1)).toEqual([-1000, 5, 1])
  })
})

describe('the memory of redeliveries', () => {
  const message = (origin: string, packetId: number, dup = false, receivedMs = packetId) => {
    return { origin, session: 1, packetId, dup, hash: packetId * 1000 + origin.length, receivedMs }
  }

  test('grows with a session that has much in flight', () => {
    const memory = createRedeliveryMemory(4096)
    for (let id = 1; id <= 3000; id++) expect(memory.isRedelivery(message('a', id))).toBe(false)
    expect(memory.isRedelivery(message('a', 1000, true))).toBe(true)
    expect(memory.isRedelivery(message('a', 3000, true))).toBe(true)
  })

  test('is shared fairly: many talkative sessions do not push out the newest of a quiet one', () => {
    const memory = createRedeliveryMemory(1024)
    for (let id = 1; id <= 10; id++) memory.isRedelivery(message('quiet', id))
    for (let id = 1; id <= 2000; id++) for (const origin of ['a', 'bb', 'ccc']) memory.isRedelivery(message(origin, id))
    for (let id = 1; id <= 10; id++) expect(memory.isRedelivery(message('quiet', id, true))).toBe(true)
    expect(memory.isRedelivery(message('ccc', 1990, true))).toBe(true)
  })

  test('is bounded: with too many sessions, the one silent for longest is forgotten', () => {
    const memory = createRedeliveryMemory(1024)
    for (let i = 1; i <= 500; i++) memory.isRedelivery(message(`client-${i}`, 1, false, i))
    const entries = [...memory.sessions()].reduce((sum, [, { packetIds }]) => sum + packetIds.length, 0)
    expect(entries).toBeLessThanOrEqual(1024)
    expect([...memory.sessions()].map(([origin]) => origin)).toContain('client-500')
    expect([...memory.sessions()].map(([origin]) => origin)).not.toContain('client-1')
  })
})
