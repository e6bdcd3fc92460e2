import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { frameKind } from '../../model/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { type Harness, startHarness } from './harness.ts'
import {
  connackAccepted,
  connectAs,
  connectPacket,
  disconnectPacket,
  field,
  packet,
  pingreq,
  pingresp,
  puback,
  publishPacket,
  subscribePacket,
  uint16,
  unsubscribePacket,
} from './wire.ts'

const surrogate = Buffer.from([0x61, 0xed, 0xa0, 0x80])
const credentials = [field('meter1'), field('secret of meter1')]

/** Sends the bytes on a connection of their own; what came back until the broker closed it. */
async function answerTo(harness: Harness, ...packets: Buffer[]): Promise<Buffer> {
  const client = await harness.raw()
  client.send(...packets)
  return client.untilClosed()
}

describe('a forbidden CONNECT', () => {
  const nothing = Buffer.alloc(0)
  const unacceptable = Buffer.from([0x20, 2, 0, 1])
  const identifierRejected = Buffer.from([0x20, 2, 0, 2])
  const cases: readonly (readonly [string, Buffer, Buffer])[] = [
    [
      'of MQTT 5 gets CONNACK 0x01 [MQTT-3.1.2-2]',
      connectPacket({ level: 5, flags: 2, fields: [Buffer.from([0]), field('c')] }),
      unacceptable,
    ],
    [
      'of level 6 gets CONNACK 0x01 [MQTT-3.1.2-2]',
      connectPacket({ level: 6, flags: 2, fields: [field('c')] }),
      unacceptable,
    ],
    [
      'with an empty identifier and clean session 0 gets CONNACK 0x02 [MQTT-3.1.3-8]',
      connectPacket({ flags: 0xc0, fields: [field(''), ...credentials] }),
      identifierRejected,
    ],
    ['of another protocol is closed [MQTT-3.1.2-1]', connectPacket({ name: 'HTTP', fields: [field('c')] }), nothing],
    [
      'with the reserved flag is closed [MQTT-3.1.2-3]',
      connectPacket({ flags: 0xc3, fields: [field('c'), ...credentials] }),
      nothing,
    ],
    [
      'with will QoS 3 is closed [MQTT-3.1.2-14]',
      connectPacket({ flags: 0xde, fields: [field('c'), field('a'), field(''), ...credentials] }),
      nothing,
    ],
    [
      'with a will QoS but no will is closed [MQTT-3.1.2-13]',
      connectPacket({ flags: 0xca, fields: [field('c'), ...credentials] }),
      nothing,
    ],
    [
      'with will retain but no will is closed [MQTT-3.1.2-15]',
      connectPacket({ flags: 0xe2, fields: [field('c'), ...credentials] }),
      nothing,
    ],
    [
      'with a password but no user name is closed [MQTT-3.1.2-22]',
      connectPacket({ flags: 0x42, fields: [field('c'), field('p')] }),
      nothing,
    ],
    [
      'with excess bytes is closed',
      connectPacket({ flags: 0xc2, fields: [field('c'), ...credentials, field('x')] }),
      nothing,
    ],
    [
      'with U+0000 in its identifier is closed [MQTT-1.5.3-2]',
      connectPacket({ flags: 0xc2, fields: [field('c\0'), ...credentials] }),
      nothing,
    ],
    [
      'with a surrogate in its identifier is closed [MQTT-1.5.3-1]',
      connectPacket({ flags: 0xc2, fields: [field(surrogate), ...credentials] }),
      nothing,
    ],
  ]
  test.concurrent.each(cases)('%s', async (_name, connect, answer) => {
    await using harness = await startHarness()
    expect(await answerTo(harness, connect)).toEqual(answer)
    expect((await harness.frames(frameKind.presence)).map(({ topic }) => topic)).not.toContain('connected')
  })
})

describe('bytes that end an open connection', () => {
  const cases: readonly (readonly [string, Buffer])[] = [
    ['a second CONNECT [MQTT-3.1.0-2]', connectAs('meter1')],
    ['identifier 0 with QoS 1 [MQTT-2.3.1-1]', publishPacket({ packetId: 0 })],
    ['identifier 0 with QoS 2 [MQTT-2.3.1-1]', publishPacket({ packetId: 0, qos: 2 })],
    ['QoS 3 [MQTT-3.3.1-4]', publishPacket({ qos: 3 })],
    ['DUP with QoS 0 [MQTT-3.3.1-2]', publishPacket({ qos: 0, dup: true })],
    ['U+0000 in a topic [MQTT-1.5.3-2]', publishPacket({ topic: 'pel/v1/meter1/tele\0metry' })],
    ['a surrogate in a topic [MQTT-1.5.3-1]', publishPacket({ topic: surrogate })],
    ['a wildcard in a topic [MQTT-3.3.2-2]', publishPacket({ topic: 'pel/v1/meter1/+' })],
    ['an empty topic [MQTT-4.7.3-1]', publishPacket({ topic: '' })],
    ['SUBSCRIBE without filters [MQTT-3.8.3-3]', subscribePacket([])],
    ['UNSUBSCRIBE without filters [MQTT-3.10.3-2]', unsubscribePacket([])],
    ['the filter ab/+e [MQTT-4.7.1-3]', subscribePacket(['ab/+e'])],
    ['the filter a/#/b [MQTT-4.7.1-2]', subscribePacket(['a/#/b'])],
    ['an empty filter [MQTT-4.7.3-1]', subscribePacket([''])],
    ['SUBSCRIBE with QoS 3 [MQTT-3-8.3-4]', subscribePacket(['a'], 1, 3)],
    ['SUBSCRIBE with identifier 0 [MQTT-2.3.1-1]', subscribePacket(['a'], 0)],
    ['reserved header flags [MQTT-2.2.2-2]', packet(0x80, uint16(1), field('a'), Buffer.from([0]))],
    ['a packet type of the server', Buffer.from([0x40 + 0x50, 3, 0, 1, 0])],
    ['a remaining length of five bytes', Buffer.from([0x32, 0xff, 0xff, 0xff, 0xff, 0x01])],
    ['a PUBACK with excess bytes', packet(0x40, uint16(1), Buffer.from([0]))],
  ]
  test.concurrent.each(cases)('%s', async (_name, bytes) => {
    await using harness = await startHarness()
    const answer = await answerTo(harness, connectAs('meter1', 'c'), bytes)
    expect(answer).toEqual(connackAccepted)
    expect(await harness.messages()).toEqual([])
  })
})

test('a first packet that is not CONNECT ends the connection [MQTT-3.1.0-1]', async () => {
  await using harness = await startHarness()
  expect(await answerTo(harness, pingreq)).toEqual(Buffer.alloc(0))
  expect(await answerTo(harness, publishPacket(), connectAs('meter1'))).toEqual(Buffer.alloc(0))
  expect(await harness.messages()).toEqual([])
})

test('good messages before bad bytes stay in the log', async () => {
  await using harness = await startHarness()
  const good = publishPacket({ packetId: 7 })
  await answerTo(harness, connectAs('meter1'), good, publishPacket({ packetId: 0 }))
  await waitUntil('the good one', async () => (await harness.messages()).length > 0)
  expect((await harness.messages()).map(({ packetId }) => packetId)).toEqual([7])
})

test('packets may come byte by byte', async () => {
  await using harness = await startHarness()
  const client = await harness.raw()
  const bytes = Buffer.concat([connectAs('meter1'), publishPacket({ packetId: 9 }), pingreq])
  for (const byte of bytes) {
    client.send(Buffer.from([byte]))
    await new Promise(setImmediate)
  }
  expect(await client.bytes(10)).toHaveLength(10)
  // The ping does not wait for the disk, so either may come first.
  expect(client.received.includes(puback(9))).toBe(true)
  expect(client.received.includes(pingresp)).toBe(true)
})

test('what follows a DISCONNECT is not read', async () => {
  await using harness = await startHarness()
  expect(await answerTo(harness, connectAs('meter1'), disconnectPacket, publishPacket())).toEqual(connackAccepted)
  expect(await harness.messages()).toEqual([])
})

test('random bytes never stop the broker, and only what is in the log is acknowledged', async () => {
  await using harness = await startHarness()
  const valid = [
    publishPacket({ packetId: 5 }),
    pingreq,
    subscribePacket(['pel/v1/meter1/#']),
    publishPacket({ qos: 2 }),
  ]
  const piece = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom(...valid),
    fc.tuple(fc.constantFrom(...valid), fc.nat(30), fc.nat(255)).map(([bytes, at, byte]) => {
      const changed = Buffer.from(bytes)
      changed[at % changed.length] = byte
      return changed
    }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 6 }), fc.boolean(), async (pieces, connected) => {
      const before = harness.broker.stats().ackedTotal
      const client = await harness.raw()
      client.send(...(connected ? [connectAs('meter1')] : []), ...pieces)
      // Ends the connection in any case: as DISCONNECT, or as bytes that are no packet.
      client.send(disconnectPacket, Buffer.alloc(512, 0xff))
      client.half()
      await client.untilClosed()
      if (!connected && client.received.length > 0) expect(client.received[0]).toBe(0x20)
      if (!connected) expect(harness.broker.stats().ackedTotal).toBe(before)
    }),
    { numRuns: 150 },
  )
  expect(harness.broker.stats().ackedTotal).toBeLessThanOrEqual((await harness.messages()).length)
  const client = await harness.raw()
  client.send(connectAs('meter1', 'last'), publishPacket({ packetId: 77 }))
  expect((await client.bytes(8)).subarray(4)).toEqual(puback(77))
})
