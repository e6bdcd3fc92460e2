import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createSessionPersistence } from '../../broker/index.ts'
import { frameFlags } from '../../model/index.ts'
import { createLmdbSessions } from '../../store/sessions/index.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'
import { waitUntil } from '../setup/wait.ts'
import { type Harness, startHarness } from './harness.ts'
import {
  connackAccepted,
  connectAs,
  connectPacket,
  disconnectPacket,
  field,
  packet,
  pubcomp,
  publishPacket,
  pubrec,
  pubrel,
  subscribePacket,
} from './wire.ts'

const keys = { k1: 'all' } as const
const telemetry = 'pel/v1/meter1/telemetry'
const sessionResumed = Buffer.from([0x20, 2, 1, 0])

async function restart(harness: Harness, folder: string): Promise<Harness> {
  await harness.stop()
  return startHarness({ folder, keys })
}

describe('delivery', () => {
  test.concurrent.each([0, 1, 2] as const)('of QoS %i reaches a subscriber of each QoS', async (qos) => {
    await using harness = await startHarness({ keys })
    const received: string[] = []
    for (const wanted of [0, 1, 2] as const) {
      const subscriber = await harness.client('key:k1', { clientId: `subscriber${wanted}` })
      subscriber.on('message', (topic, payload, { qos: got }) => received.push(`${wanted} ${topic} ${payload} ${got}`))
      await subscriber.subscribeAsync('pel/v1/+/telemetry', { qos: wanted })
    }
    const meter = await harness.client('meter1')
    await meter.publishAsync(telemetry, 'x', { qos })
    await waitUntil('three deliveries', () => received.length === 3)
    expect(received.toSorted()).toEqual([0, 1, 2].map((wanted) => `${wanted} ${telemetry} x ${Math.min(wanted, qos)}`))
    // QoS 0 is delivered without waiting for the disk.
    await waitUntil('the frame', async () => (await harness.messages()).length === 1)
  })

  test('keeps the order of a publisher', async () => {
    await using harness = await startHarness({ keys })
    const subscriber = await harness.client('key:k1')
    const received: string[] = []
    subscriber.on('message', (_topic, payload) => received.push(String(payload)))
    await subscriber.subscribeAsync('pel/v1/#', { qos: 1 })
    const meter = await harness.raw()
    const numbers = Array.from({ length: 500 }, (_, i) => i + 1)
    meter.send(connectAs('meter1'), ...numbers.map((i) => publishPacket({ packetId: i, payload: `${i}` })))
    await waitUntil('all deliveries', () => received.length === numbers.length)
    expect(received).toEqual(numbers.map(String))
  })

  test('reaches who subscribes after the topic has long been in use', async () => {
    await using harness = await startHarness({ keys })
    const meter = await harness.client('meter1')
    for (let i = 0; i < 3; i++) await meter.publishAsync(telemetry, 'before', { qos: 1 })
    const subscriber = await harness.client('key:k1')
    const received: string[] = []
    subscriber.on('message', (_topic, payload) => received.push(String(payload)))
    await subscriber.subscribeAsync('pel/v1/#', { qos: 1 })
    await meter.publishAsync(telemetry, 'after', { qos: 1 })
    await waitUntil('the delivery', () => received.length > 0)
    expect(received).toEqual(['after'])
  })

  test('of a command topic reaches the device that subscribes', async () => {
    await using harness = await startHarness({ devices: { meter1: {}, gate: {}, child: { gateway: 'gate' } } })
    const gate = await harness.client('gate')
    const received: string[] = []
    gate.on('message', (topic) => received.push(topic))
    await gate.subscribeAsync('pel/v1/child/#')
    await gate.publishAsync('pel/v1/child/status', 'online', { qos: 1 })
    await waitUntil('the delivery', () => received.length === 1)
    expect(received).toEqual(['pel/v1/child/status'])
  })
})

describe('QoS 2', () => {
  test('is PUBREC, PUBREL, PUBCOMP, and taken once however often it is sent', async () => {
    await using harness = await startHarness()
    const client = await harness.raw()
    const publish = publishPacket({ qos: 2, packetId: 6 })
    client.send(connectAs('meter1'), publish)
    expect((await client.bytes(8)).subarray(4)).toEqual(pubrec(6))
    client.send(publishPacket({ qos: 2, packetId: 6, dup: true }))
    expect((await client.bytes(12)).subarray(8)).toEqual(pubrec(6))
    client.send(pubrel(6))
    expect((await client.bytes(16)).subarray(12)).toEqual(pubcomp(6))
    expect(await harness.messages()).toHaveLength(1)
    client.send(publish)
    expect((await client.bytes(20)).subarray(16)).toEqual(pubrec(6))
    expect(await harness.messages()).toHaveLength(2)
  })

  test.each([true, false])(
    'is taken once over a reconnect of a persistent session (restart of the broker: %s)',
    async (stops) => {
      using folder = makeTempFolder('qos2')
      let harness = await startHarness({ folder: folder.path })
      const first = await harness.raw()
      first.send(connectAs('meter1', 'c', false), publishPacket({ qos: 2, packetId: 6 }))
      await first.bytes(8)
      first.end()
      if (stops) harness = await restart(harness, folder.path)
      const second = await harness.raw()
      second.send(connectAs('meter1', 'c', false), publishPacket({ qos: 2, packetId: 6, dup: true }))
      expect(await second.bytes(8)).toEqual(Buffer.concat([sessionResumed, pubrec(6)]))
      second.send(pubrel(6))
      expect((await second.bytes(12)).subarray(8)).toEqual(pubcomp(6))
      expect(await harness.messages()).toHaveLength(1)
      second.end()
      await harness.stop()
    },
  )

  test('in masses between PUBLISH and PUBREC ends the connection', async () => {
    await using harness = await startHarness({ config: { qos2Inflight: 5 } })
    const client = await harness.raw()
    client.send(connectAs('meter1'), ...[1, 2, 3, 4, 5, 6].map((packetId) => publishPacket({ qos: 2, packetId })))
    await client.untilClosed()
    await waitUntil('what was taken', async () => (await harness.messages()).length === 5)
  })
})

describe('a redelivery', () => {
  test('in the same session is a frame with DUP, the same session number and packet identifier', async () => {
    await using harness = await startHarness()
    const first = await harness.raw()
    first.send(connectAs('meter1', 'c', false), publishPacket({ packetId: 4 }))
    await first.bytes(8)
    first.send(disconnectPacket)
    await first.untilClosed()
    const second = await harness.raw()
    second.send(connectAs('meter1', 'c', false), publishPacket({ packetId: 4, dup: true }))
    await second.bytes(8)
    const [one, two] = await harness.messages()
    expect(two).toEqual({ ...one, flags: 1 | frameFlags.dup })
  })

  test('in a clean session has another session number', async () => {
    await using harness = await startHarness()
    for (let i = 0; i < 2; i++) {
      const client = await harness.raw()
      client.send(connectAs('meter1', 'c'), publishPacket({ packetId: 4 }))
      await client.bytes(8)
      client.end()
    }
    const [one, two] = await harness.messages()
    expect(two?.session).not.toBe(one?.session)
  })
})

describe('a session', () => {
  test('is present again even when nothing was subscribed [MQTT-3.2.2-2]', async () => {
    await using harness = await startHarness()
    for (const answer of [connackAccepted, sessionResumed]) {
      const client = await harness.raw()
      client.send(connectAs('meter1', 'c', false))
      expect(await client.bytes(4)).toEqual(answer)
      client.send(disconnectPacket)
      await client.untilClosed()
    }
    const clean = await harness.raw()
    clean.send(connectAs('meter1', 'c', true))
    expect(await clean.bytes(4)).toEqual(connackAccepted)
  })

  test('keeps its messages over a restart of the broker, and CONNACK comes before them [MQTT-3.2.0-1]', async () => {
    using folder = makeTempFolder('session')
    let harness = await startHarness({ folder: folder.path, keys })
    const away = await harness.raw()
    away.send(connectAs('key:k1', 'c', false), subscribePacket(['pel/v1/#'], 1))
    await away.bytes(9)
    away.end()
    await waitUntil('the subscriber to be gone', () => harness.broker.stats().connections === 0)
    const meter = await harness.client('meter1')
    await meter.publishAsync(telemetry, 'while away', { qos: 1 })
    harness = await restart(harness, folder.path)
    const back = await harness.raw()
    back.send(connectAs('key:k1', 'c', false))
    await waitUntil('the queued message', () => back.received.includes('while away'))
    expect(back.received.subarray(0, 4)).toEqual(sessionResumed)
    back.end()
    await harness.stop()
  })

  test('that was restored gets nothing before its CONNACK', async () => {
    await using harness = await startHarness({ keys })
    const meter = await harness.raw()
    meter.send(connectAs('meter1'))
    await meter.bytes(4)
    for (let i = 1; i <= 20; i++) {
      const subscriber = await harness.raw()
      subscriber.send(connectAs('key:k1', 'c', false), ...(i === 1 ? [subscribePacket(['pel/v1/#'], 1)] : []))
      meter.send(...Array.from({ length: 20 }, (_, n) => publishPacket({ packetId: n + 1, qos: 1 })))
      await subscriber.bytes(4)
      expect(subscriber.received[0]).toBe(0x20)
      subscriber.end()
    }
  })
})

describe('a retained message', () => {
  test('reaches later subscribers, also after a restart, until an empty one removes it', async () => {
    using folder = makeTempFolder('retained')
    let harness = await startHarness({ folder: folder.path, keys })
    const meter = await harness.client('meter1')
    await meter.publishAsync('pel/v1/meter1/status', 'online', { qos: 1, retain: true })
    harness = await restart(harness, folder.path)
    const subscriber = await harness.client('key:k1')
    const received: string[] = []
    subscriber.on('message', (topic, payload, { retain }) => received.push(`${topic} ${payload} ${retain}`))
    await subscriber.subscribeAsync('pel/v1/+/status', { qos: 1 })
    await waitUntil('the retained message', () => received.length === 1)
    expect(received).toEqual(['pel/v1/meter1/status online true'])
    const again = await harness.client('meter1')
    await again.publishAsync('pel/v1/meter1/status', '', { qos: 1, retain: true })
    const late = await harness.raw()
    late.send(connectAs('key:k1', 'late'), subscribePacket(['pel/v1/+/status'], 1), subscribePacket(['panel/+/+'], 2))
    await late.bytes(4 + 5 + 5)
    expect(late.received).toHaveLength(14)
    late.end()
    await harness.stop()
  })
})

describe('a will', () => {
  const will = [field('pel/v1/meter1/status'), field('offline')]
  const connectWithWill = connectPacket({
    flags: (0xee & ~0x08) | 0x20,
    fields: [field('c'), ...will, field('meter1'), field('secret of meter1')],
  })

  test('is appended and delivered when the connection is lost', async () => {
    await using harness = await startHarness({ keys })
    const subscriber = await harness.client('key:k1')
    const received: string[] = []
    subscriber.on('message', (topic, payload) => received.push(`${topic} ${payload}`))
    await subscriber.subscribeAsync('pel/v1/#', { qos: 1 })
    const client = await harness.raw()
    client.send(connectWithWill)
    await client.bytes(4)
    client.end()
    await waitUntil('the will', () => received.length === 1)
    expect(received).toEqual(['pel/v1/meter1/status offline'])
    expect(await harness.messages()).toMatchObject([
      { topic: 'pel/v1/meter1/status', payload: 'offline', clientId: 'c' },
    ])
  })

  test('is not published after a DISCONNECT', async () => {
    await using harness = await startHarness({ keys })
    const client = await harness.raw()
    client.send(connectWithWill, disconnectPacket)
    await client.untilClosed()
    const other = await harness.raw()
    other.send(connectAs('meter1', 'other'), publishPacket({ packetId: 2 }))
    await other.bytes(8)
    expect((await harness.messages()).map(({ payload }) => payload)).toEqual(['{"power":1}'])
  })
})

test('a silent client is ended after one and a half of its keep alive, one that talks is not', async () => {
  await using harness = await startHarness()
  const connect = (id: string) =>
    connectPacket({ keepAliveS: 1, fields: [field(id), field('meter1'), field('secret of meter1')] })
  const silent = await harness.raw()
  const talking = await harness.raw()
  silent.send(connect('silent'))
  talking.send(connect('talking'))
  const timer = setInterval(() => talking.send(packet(0xc0)), 200)
  await silent.untilClosed()
  clearInterval(timer)
  expect(talking.closed).toBe(false)
  const presence = await waitUntil('its end in the log', async () => {
    const frames = await harness.frames(3)
    return frames.find(({ payload }) => payload !== '')
  })
  expect(presence).toMatchObject({ clientId: 'silent', payload: 'keep alive timeout' })
})

test('the will of a session that a crash cut off is published, unless its device has gone since', async () => {
  using folder = makeTempFolder('wills')
  const sessions = createLmdbSessions({ folder: join(folder.path, 'sessions') })
  await sessions.open()
  const earlier = createSessionPersistence(sessions)
  await earlier.setup({ id: 'the broker that crashed' })
  for (const device of ['meter1', 'gone']) {
    const will = { topic: `pel/v1/${device}/status`, payload: Buffer.from('offline'), qos: 1, retain: true } as const
    await earlier.putWill({ id: `${device}/c` }, will)
  }
  await sessions.close()
  const harness = await startHarness({ folder: folder.path, keys, config: { heartbeatMs: 1_000 } })
  const messages = await waitUntil('the will', async () => {
    const frames = await harness.messages()
    return frames.length > 0 && frames
  })
  const retained = frameFlags.retain | 1
  expect(messages).toMatchObject([{ principal: 'meter1', clientId: 'c', payload: 'offline', flags: retained }])
  const subscriber = await harness.raw()
  subscriber.send(connectAs('key:k1'), subscribePacket(['pel/v1/+/status']))
  await waitUntil('the retained will', () => subscriber.received.includes('offline'))
  subscriber.end()
  await harness.stop()
})
