import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fate, MessageRing } from '../../ingest/message-ring.ts'
import { type DeviceRecord, FrameCursor, parseDeviceId, parseSiteId } from '../../model/index.ts'
import { FrameScript, noon } from './frame-script.ts'
import { World } from './world.ts'

const m1 = parseDeviceId('m1')
const gate = parseDeviceId('gate')

describe('the messages of a device', () => {
  test('are as they arrived, each with what became of it', async () => {
    const world = new World()
    world.script
      .device('m1', 1)
      .telemetry('m1', { voltage: 230 }, { packetId: 7, retain: true })
      .telemetry('m1', { voltage: 230 }, { packetId: 7, retain: true, dup: true })
      .pass(10)
      .publish('pel/v1/m1/telemetry', 'volts: many', { from: 'm1/other', qos: 2 })
      .telemetry('m1', { voltage: 231, 'no name': 1 })
      .refusal('pel/v1/m2/telemetry', 'forbidden_topic', 'abc', 'm1/c')
      .publish('pel/v1/m1/status', 'online')
    const { messages, passedOver } = await (await world.digest()).queries.messages(m1, 0)
    expect(passedOver).toBe(0)
    expect(messages.map(({ fate, reason }) => `${fate} ${reason}`)).toEqual([
      'taken null',
      'repeated null',
      'rejected not_json',
      'partly bad_metric_name',
      'refused forbidden_topic',
      'taken null',
    ])
    expect(messages[0]).toMatchObject({
      receivedMs: noon,
      principal: 'm1',
      clientId: 'c',
      topic: 'pel/v1/m1/telemetry',
      qos: 1,
      dup: false,
      retain: true,
      payloadBytes: 15,
      detail: '',
    })
    expect(messages[1]).toMatchObject({ dup: true })
    expect(messages[2]).toMatchObject({ receivedMs: noon + 10, clientId: 'other', qos: 2 })
    expect(Buffer.from(messages[2]?.payload ?? []).toString()).toBe('volts: many')
    expect(messages[3]?.detail).toContain('no name')
    // What the device sent, without the word that the broker wrote before it.
    expect(Buffer.from(messages[4]?.payload ?? []).toString()).toBe('abc')
    expect(messages[4]?.payloadBytes).toBe(3)
    const positions = messages.map(({ position }) => position)
    expect(positions).toEqual(positions.toSorted((a, b) => a - b))
  })

  test('are those about it, whoever sent them, and a gateway has those about nobody', async () => {
    const world = new World()
    world.script
      .device('gate', 1)
      .device('m1', 2, { gatewayId: gate })
      .telemetry('m1', { voltage: 1 }, { from: 'gate/g' })
      .telemetry('gone', { voltage: 1 }, { from: 'gate/g' })
    const { queries } = await world.digest()
    expect((await queries.messages(m1, 0)).messages).toMatchObject([{ principal: 'gate', fate: 'taken' }])
    expect((await queries.messages(gate, 0)).messages).toMatchObject([{ fate: 'rejected', reason: 'unknown_device' }])
    expect(await queries.messages(parseDeviceId('gone'), 0)).toEqual({ messages: [], passedOver: 0 })
  })

  test('are asked for behind a position, and are twenty a second at most', async () => {
    const world = new World()
    world.script.device('m1', 1)
    for (let i = 0; i < 50; i++) world.script.publish('panel/m1/volt', String(i))
    world.script.pass(1_000).publish('panel/m1/volt', '99')
    const { queries } = await world.digest()
    const { messages, passedOver } = await queries.messages(m1, 0)
    expect(passedOver).toBe(30)
    expect(Buffer.from(messages.at(-1)?.payload ?? []).toString()).toBe('99')
    expect(Buffer.from(messages.at(-2)?.payload ?? []).toString()).toBe('19')
    const behind = messages.at(-2)?.position ?? 0
    expect((await queries.messages(m1, behind)).messages).toEqual(messages.slice(-1))
  })

  test('of one that was removed are not those of another of its id', async () => {
    const world = new World()
    world.script.device('m1', 1).telemetry('m1', { voltage: 1 }).control('device/m1', undefined).device('m1', 2)
    expect(await (await world.digest()).queries.messages(m1, 0)).toEqual({ messages: [], passedOver: 0 })
  })

  test('stay with the site in which they were sent', async () => {
    // In one go: a restart begins with none.
    const seenAfter = async (more: Partial<DeviceRecord>) => {
      const world = new World()
      world.script.device('m1', 1).telemetry('m1', { voltage: 1 }).device('m1', 1, more).telemetry('m1', { voltage: 2 })
      const { messages } = await (await world.digest()).queries.messages(m1, 0)
      return messages.map(({ payload }) => Buffer.from(payload).toString())
    }
    expect(await seenAfter({ name: 'renamed' })).toEqual(['{"voltage":1}', '{"voltage":2}'])
    expect(await seenAfter({ siteId: parseSiteId('elsewhere') })).toEqual(['{"voltage":2}'])
  })

  test('are kept for so many devices; beyond them one gives way to another', async () => {
    const world = new World()
    const ids = Array.from({ length: 300 }, (_, i) => `d${i}`)
    for (const [i, id] of ids.entries()) world.script.device(id, i + 1).telemetry(id, { voltage: i })
    // A megabyte has room for 256 of them.
    const { queries } = await world.digest({ messageViewMb: 1 })
    const kept = await Promise.all(
      ids.map(async (id) => (await queries.messages(parseDeviceId(id), 0)).messages.length),
    )
    expect(kept.map((count, i) => (count === 1 ? i : -1)).filter((i) => i >= 0)).toEqual(
      Array.from({ length: 256 }, (_, i) => i + 44),
    )
    const off = await world.digest({ messageViewMb: 0 })
    expect(await off.queries.messages(parseDeviceId('d299'), 0)).toEqual({ messages: [], passedOver: 0 })
  })
})

test('a ring gives back the newest of what it was given, in order, cut where they are too large', () => {
  const message = fc.record({
    payload: fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ minLength: 500, maxLength: 4_000 })),
    topic: fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }),
    detail: fc.oneof(fc.constant(''), fc.string({ unit: 'binary', maxLength: 300 })),
  })
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 60 }), (given) => {
      const script = new FrameScript()
      for (const { topic, payload } of given) script.publish(topic, payload, { from: 'm1/c' })
      const cursor = new FrameCursor()
      cursor.reset(script.bytes())
      // What lies around it is not the ring's.
      const around = Buffer.alloc(MessageRing.bytes + 200, 7)
      const ring = new MessageRing(around.subarray(100, 100 + MessageRing.bytes))
      for (const [i, { detail }] of given.entries()) {
        cursor.next()
        const fate = new Fate()
        if (detail !== '') fate.problem('rejected', 'not_json', detail)
        expect(ring.keep(cursor, i + 1, fate)).toBe(true)
      }
      const back = ring.messages()
      expect(back.length).toBeGreaterThan(0)
      expect(back.map(({ position }) => position)).toEqual(back.map((_, i) => given.length - back.length + i + 1))
      for (const { position, topic, payload, payloadBytes, fate, reason, detail } of back) {
        const origin = given[position - 1]
        if (origin === undefined) throw new RangeError(`${position} was not given`)
        expect(Buffer.from(topic)).toEqual(Buffer.from(origin.topic))
        expect(payloadBytes).toBe(origin.payload.length)
        expect(Buffer.from(payload)).toEqual(Buffer.from(origin.payload.subarray(0, payload.length)))
        if (origin.payload.length < 1_000) expect(payload).toHaveLength(payloadBytes)
        expect([fate, reason]).toEqual(origin.detail === '' ? ['taken', null] : ['rejected', 'not_json'])
        expect(Buffer.from(origin.detail).subarray(0, Buffer.byteLength(detail))).toEqual(Buffer.from(detail))
      }
      expect(around.subarray(0, 100).every((byte) => byte === 7)).toBe(true)
      expect(around.subarray(100 + MessageRing.bytes).every((byte) => byte === 7)).toBe(true)
    }),
  )
})
