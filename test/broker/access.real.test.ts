import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { frameKind, parseSiteId } from '../../model/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { startHarness } from './harness.ts'
import {
  connackAccepted,
  connectAs,
  connectPacket,
  credentialFlags,
  field,
  packet,
  publishPacket,
  subscribePacket,
} from './wire.ts'

const fleet = {
  meter1: {},
  meter2: { site: 'north' },
  gate: {},
  child: { gateway: 'gate' },
}

describe('a CONNECT', () => {
  const badCredentials = Buffer.from([0x20, 2, 0, 4])
  const cases: readonly (readonly [string, Buffer])[] = [
    ['with a wrong password', connectPacket({ fields: [field('c'), field('meter1'), field('wrong')] })],
    ['of an unknown device', connectAs('meter9')],
    ['without a password', connectPacket({ flags: 0x82, fields: [field('c'), field('meter1')] })],
    ['without a user name', connectPacket({ flags: 0x02, fields: [field('c')] })],
  ]
  test.concurrent.each(cases)('%s gets CONNACK 0x04', async (_name, connect) => {
    await using harness = await startHarness()
    const client = await harness.raw()
    // What a client sends without waiting for its CONNACK must not be taken either.
    client.send(connect, publishPacket())
    expect(await client.untilClosed()).toEqual(badCredentials)
    expect(await harness.messages()).toEqual([])
    expect((await harness.frames(frameKind.presence)).map(({ topic }) => topic)).not.toContain('connected')
  })

  test('with wrong credentials is counted and logged, but for what could be a secret', async () => {
    const lines: string[] = []
    const logger = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) })
    await using harness = await startHarness({ logger })
    const secret = `pel_dev_${'s'.repeat(43)}`
    for (const [username, password] of [
      ['meter1', secret],
      ['meter1', secret],
      [secret, secret],
      ['key:unknown', secret],
    ] as const) {
      const client = await harness.raw()
      client.send(connectPacket({ fields: [field('c'), field(username), field(password)] }))
      expect(await client.untilClosed()).toEqual(badCredentials)
    }
    expect(harness.broker.stats().failedLoginsTotal).toBe(4)
    const logged = lines.map((line) => JSON.parse(line))
    expect(logged.map(({ msg, principal, address }) => `${msg}: ${principal} ${address}`)).toEqual(
      ['meter1', '-', 'key:unknown'].map((principal) => `mqtt login failed: ${principal} 127.0.0.1`),
    )
    expect(lines.join()).not.toContain(secret)
  })

  test('whose will its device may not publish gets CONNACK 0x05, and the will is listed', async () => {
    await using harness = await startHarness({ devices: fleet })
    const client = await harness.raw()
    const will = [field('pel/v1/meter2/status'), field('offline')]
    client.send(
      connectPacket({ flags: 0xc6, fields: [field('c'), ...will, field('meter1'), field('secret of meter1')] }),
    )
    expect(await client.untilClosed()).toEqual(Buffer.from([0x20, 2, 0, 5]))
    await waitUntil('the refusal', async () => (await harness.frames(frameKind.refusal)).length === 1)
  })

  test('of the same client of the same device ends the older connection [MQTT-3.1.4-2]', async () => {
    await using harness = await startHarness()
    const older = await harness.raw()
    older.send(connectAs('meter1', 'same'))
    await older.bytes(4)
    const newer = await harness.raw()
    newer.send(connectAs('meter1', 'same'))
    expect(await newer.bytes(4)).toEqual(connackAccepted)
    await older.untilClosed()
    const presence = await waitUntil('four presence frames', async () => {
      const frames = await harness.frames(frameKind.presence)
      return frames.length === 4 && frames
    })
    expect(presence.map(({ topic, payload }) => `${topic} ${payload}`)).toEqual([
      'broker-started ',
      'connected ',
      'disconnected taken over',
      'connected ',
    ])
    expect(newer.closed).toBe(false)
  })

  test('of another device with the same client identifier leaves it alone', async () => {
    await using harness = await startHarness({ devices: fleet })
    const one = await harness.raw()
    const two = await harness.raw()
    one.send(connectAs('meter1', 'same'))
    two.send(connectAs('meter2', 'same'))
    await Promise.all([one.bytes(4), two.bytes(4)])
    one.send(publishPacket({ packetId: 3 }))
    expect(await one.bytes(8)).toHaveLength(8)
  })
})

describe('a PUBLISH', () => {
  test('is taken from a device for itself and for the devices behind it, native or scalar', async () => {
    await using harness = await startHarness({ devices: fleet })
    const client = await harness.raw()
    const topics = ['pel/v1/gate/telemetry', 'pel/v1/child/status', 'panel/child/volt', 'pel/v1/gate/commands/c1/ack']
    client.send(connectAs('gate'), ...topics.map((topic, i) => publishPacket({ topic, packetId: i + 1 })))
    await client.bytes(4 + topics.length * 4)
    expect((await harness.messages()).map(({ topic }) => topic)).toEqual(topics)
  })

  const forbidden: readonly (readonly [string, string, string])[] = [
    ["on another device's topic", 'meter1', 'pel/v1/meter2/telemetry'],
    ["on another device's scalar topic", 'meter1', 'panel/meter2/volt'],
    ['of a gateway for a device that is not behind it', 'gate', 'pel/v1/meter1/telemetry'],
    ['of a gateway for a device that does not exist', 'gate', 'pel/v1/nobody/telemetry'],
    ['on a topic that means nothing', 'meter1', 'some/where'],
    ['of a command', 'meter1', 'pel/v1/meter1/commands/c1'],
    ['of an alert', 'meter1', 'pel/v1/alerts/main/critical'],
    ['on $SYS', 'meter1', '$SYS/broker'],
    ['of an integrator', 'key:k1', 'pel/v1/meter1/telemetry'],
  ]
  test.concurrent.each(forbidden)('%s ends the connection unacknowledged and is listed', async (_name, who, topic) => {
    await using harness = await startHarness({ devices: fleet, keys: { k1: 'all' } })
    const client = await harness.raw()
    client.send(connectAs(who, 'c'), publishPacket({ topic, payload: 'x' }))
    expect(await client.untilClosed()).toEqual(connackAccepted)
    const [refusal] = await waitUntil('the refusal', async () => {
      const frames = await harness.frames(frameKind.refusal)
      return frames.length > 0 && frames
    })
    expect(refusal).toMatchObject({ principal: who, clientId: 'c', topic, payload: 'forbidden_topic\0x' })
    expect(await harness.messages()).toEqual([])
    expect(harness.broker.stats().refusedTotal).toBe(1)
  })

  test('that is too deep is refused and listed', async () => {
    await using harness = await startHarness({ devices: { meter1: { limits: { topicLevels: 3 } } } })
    const client = await harness.raw()
    client.send(connectAs('meter1'), publishPacket())
    expect(await client.untilClosed()).toEqual(connackAccepted)
    await waitUntil('the refusal', async () =>
      (await harness.frames(frameKind.refusal)).some(({ payload }) => payload.startsWith('topic_too_deep\0')),
    )
  })

  test('that is too large is refused before it has arrived, and listed with its beginning', async () => {
    await using harness = await startHarness({ devices: { meter1: { limits: { payloadBytes: 10_000 } } } })
    const client = await harness.raw()
    const large = publishPacket({ payload: 'x'.repeat(10_001) })
    client.send(
      connectAs('meter1'),
      publishPacket({ payload: 'y'.repeat(10_000), packetId: 2 }),
      large.subarray(0, 200),
    )
    await client.untilClosed()
    await waitUntil('the refusal', async () =>
      (await harness.frames(frameKind.refusal)).some(({ payload }) => payload.startsWith('payload_too_large\0xxx')),
    )
    expect((await harness.messages()).map(({ packetId }) => packetId)).toEqual([2])
  })

  test('that floods with refusals is listed ten times a second and counted for ever', async () => {
    await using harness = await startHarness()
    for (let i = 0; i < 30; i++) {
      const client = await harness.raw()
      client.send(connectAs('meter1'), publishPacket({ topic: 'pel/v1/other/telemetry' }))
      await client.untilClosed()
    }
    expect(harness.broker.stats().refusedTotal).toBe(30)
    await waitUntil('ten entries', async () => (await harness.frames(frameKind.refusal)).length >= 10)
  })

  test('stops being taken when the device is no longer behind the gateway', async () => {
    await using harness = await startHarness({ devices: fleet })
    const client = await harness.raw()
    client.send(connectAs('gate'), publishPacket({ topic: 'pel/v1/child/telemetry', packetId: 1 }))
    await client.bytes(8)
    harness.devices.delete('child')
    client.send(publishPacket({ topic: 'pel/v1/child/telemetry', packetId: 2 }))
    expect(await client.untilClosed()).toHaveLength(8)
  })
})

describe('a SUBSCRIBE', () => {
  const granted: readonly (readonly [string, string, readonly number[]])[] = [
    ['meter1', 'pel/v1/meter1/#', [1]],
    ['meter1', 'pel/v1/meter1/commands/+', [1]],
    ['gate', 'pel/v1/child/commands/+', [1]],
    ['meter1', 'pel/v1/meter2/#', [0x80]],
    ['meter1', 'pel/v1/+/commands/+', [0x80]],
    ['meter1', 'pel/v1/meter1', [0x80]],
    ['meter1', '#', [0x80]],
    ['meter1', '$SYS/#', [0x80]],
    ['meter1', 'pel/v1/alerts/#', [0x80]],
    ['key:k1', 'pel/v1/#', [1]],
    ['key:k1', 'pel/v1/alerts/main/+', [1]],
    ['key:k1', 'panel/+/volt', [1]],
    ['key:k1', 'other/+/volt', [0x80]],
    ['key:k1', '$SYS/#', [0x80]],
  ]
  test.concurrent.each(granted)('of %s to %s is answered %j', async (who, filter, codes) => {
    await using harness = await startHarness({ devices: fleet, keys: { k1: 'all' } })
    const client = await harness.raw()
    client.send(connectAs(who), subscribePacket([filter], 11))
    const answer = packet(0x90, Buffer.from([0, 11]), Buffer.from(codes))
    expect((await client.bytes(4 + answer.length)).subarray(4)).toEqual(answer)
  })
})

test('an integrator gets what its sites allow, and nothing else', async () => {
  await using harness = await startHarness({ devices: fleet, keys: { north: [parseSiteId('north')] } })
  const integrator = await harness.client('key:north')
  const received: string[] = []
  integrator.on('message', (topic) => received.push(topic))
  await integrator.subscribeAsync(['pel/v1/#', 'panel/+/+'], { qos: 1 })
  const [one, two] = [await harness.client('meter1'), await harness.client('meter2')]
  await one.publishAsync('pel/v1/meter1/telemetry', '1', { qos: 1 })
  await one.publishAsync('panel/meter1/volt', '1', { qos: 1 })
  await two.publishAsync('pel/v1/meter2/telemetry', '2', { qos: 1 })
  await two.publishAsync('panel/meter2/volt', '2', { qos: 1 })
  await waitUntil('two messages', () => received.length === 2)
  expect(received.toSorted()).toEqual(['panel/meter2/volt', 'pel/v1/meter2/telemetry'])
})

test('the connections of a device whose credentials changed are ended', async () => {
  await using harness = await startHarness({ devices: fleet })
  const [one, two] = [await harness.raw(), await harness.raw()]
  one.send(connectPacket({ flags: credentialFlags | 2, fields: ['a', 'meter1', 'secret of meter1'].map(field) }))
  two.send(connectAs('meter2'))
  await Promise.all([one.bytes(4), two.bytes(4)])
  expect(harness.broker.disconnect('meter1')).toBe(1)
  await one.untilClosed()
  two.send(publishPacket({ topic: 'pel/v1/meter2/telemetry' }))
  expect(await two.bytes(8)).toHaveLength(8)
})
