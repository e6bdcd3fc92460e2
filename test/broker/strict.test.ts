import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkPacket,
  fixedHeaderBytes,
  remainingLength,
  type Violation,
  violations,
} from '../../broker/strict/index.ts'
import {
  connectPacket,
  disconnectPacket,
  field,
  packet,
  pingreq,
  puback,
  publishPacket,
  pubrel,
  subscribePacket,
  unsubscribePacket,
} from './wire.ts'

function check(bytes: Buffer): Violation | undefined {
  const header = fixedHeaderBytes(bytes, 0, bytes.length)
  expect(header).toBeGreaterThan(0)
  expect(header + remainingLength(bytes, 0, header)).toBe(bytes.length)
  return checkPacket(bytes, 0, header, bytes.length)
}

const clientId = field('c')
const surrogate = Buffer.from([0x61, 0xed, 0xa0, 0x80])

describe('well-formed packets pass', () => {
  const passing: readonly (readonly [string, Buffer])[] = [
    ['CONNECT, clean, no name', connectPacket({ flags: 0x02, fields: [field('')] })],
    ['CONNECT, persistent', connectPacket({ flags: 0x00, fields: [clientId] })],
    ['CONNECT of MQTT 3.1', connectPacket({ name: 'MQIsdp', level: 3, flags: 0x02, fields: [clientId] })],
    [
      'CONNECT with everything',
      connectPacket({ flags: 0xf6, fields: [clientId, field('a/b'), field('bye'), field('u'), field('p')] }),
    ],
    ['CONNECT with an empty will payload', connectPacket({ flags: 0x06, fields: [clientId, field('a'), field('')] })],
    ['PUBLISH QoS 0', publishPacket({ qos: 0 })],
    ['PUBLISH QoS 2 with DUP and RETAIN', publishPacket({ qos: 2, dup: true, retain: true })],
    ['PUBLISH on a topic beyond ASCII', publishPacket({ topic: 'Zähler/⚡/😀' })],
    ['PUBLISH with an empty payload', publishPacket({ payload: '' })],
    ['PUBACK', puback(1)],
    ['PUBREL', pubrel(65_535)],
    ['SUBSCRIBE', subscribePacket(['a/+/b', '#', '+', '/', 'a//b', '+/+', 'a/#', '/+'])],
    ['UNSUBSCRIBE', unsubscribePacket(['a/+', 'b/#'])],
    ['PINGREQ', pingreq],
    ['DISCONNECT', disconnectPacket],
  ]
  test.each(passing)('%s', (_name, bytes) => {
    expect(check(bytes)).toBeUndefined()
  })
})

describe('each packet that the standard forbids names its clause', () => {
  const failing: readonly (readonly [string, Buffer, Violation])[] = [
    ['reserved packet type 0', packet(0x00), violations.packetType],
    ['reserved packet type 15', packet(0xf0), violations.packetType],
    ["a server's packet", packet(0x20, Buffer.from([0, 0])), violations.packetType],
    ['CONNECT with header flags', packet(0x11, Buffer.alloc(10)), violations.reservedFlags],
    ['PUBACK with header flags', packet(0x42, Buffer.from([0, 1])), violations.reservedFlags],
    ['PUBREL without its flags', packet(0x60, Buffer.from([0, 1])), violations.reservedFlags],
    ['SUBSCRIBE without its flags', packet(0x80, Buffer.from([0, 1])), violations.reservedFlags],
    ['UNSUBSCRIBE without its flags', packet(0xa0, Buffer.from([0, 1])), violations.reservedFlags],
    ['PINGREQ with header flags', packet(0xc1), violations.reservedFlags],
    ['DISCONNECT with a body', packet(0xe0, Buffer.from([0])), violations.excessBytes],
    ['PUBACK that is too short', packet(0x40, Buffer.from([1])), violations.truncated],
    ['PUBACK with identifier 0', puback(0), violations.packetId],
    ['PUBREL with identifier 0', pubrel(0), violations.packetId],

    ['an unknown protocol', connectPacket({ name: 'MQTTX', fields: [clientId] }), violations.protocolName],
    [
      'MQTT 5',
      connectPacket({ level: 5, flags: 0x02, fields: [Buffer.from([0]), clientId] }),
      violations.protocolLevel,
    ],
    ['level 6', connectPacket({ level: 6, fields: [clientId] }), violations.protocolLevel],
    ['level 3 under the new name', connectPacket({ level: 3, fields: [clientId] }), violations.protocolLevel],
    ['the reserved CONNECT flag', connectPacket({ flags: 0x03, fields: [clientId] }), violations.connectReserved],
    ['will QoS without a will', connectPacket({ flags: 0x0a, fields: [clientId] }), violations.willQosWithoutWill],
    [
      'will retain without a will',
      connectPacket({ flags: 0x22, fields: [clientId] }),
      violations.willRetainWithoutWill,
    ],
    ['will QoS 3', connectPacket({ flags: 0x1e, fields: [clientId, field('a'), field('')] }), violations.willQos],
    [
      'a wildcard in the will topic',
      connectPacket({ flags: 0x06, fields: [clientId, field('a/+'), field('')] }),
      violations.willTopic,
    ],
    [
      'a password without a user name',
      connectPacket({ flags: 0x42, fields: [clientId, field('p')] }),
      violations.passwordWithoutUserName,
    ],
    ['a user name that is missing', connectPacket({ flags: 0x82, fields: [clientId] }), violations.truncated],
    [
      'a user name without its flag',
      connectPacket({ flags: 0x02, fields: [clientId, field('u')] }),
      violations.excessBytes,
    ],
    [
      'an empty identifier to keep',
      connectPacket({ flags: 0x00, fields: [field('')] }),
      violations.clientIdWithoutCleanSession,
    ],
    [
      'an empty identifier in MQTT 3.1',
      connectPacket({ name: 'MQIsdp', level: 3, flags: 0x02, fields: [field('')] }),
      violations.clientIdLength,
    ],
    [
      'a long identifier in MQTT 3.1',
      connectPacket({ name: 'MQIsdp', level: 3, flags: 0x02, fields: [field('x'.repeat(24))] }),
      violations.clientIdLength,
    ],
    [
      'a null character in the identifier',
      connectPacket({ flags: 0x02, fields: [field('a\0')] }),
      violations.nullCharacter,
    ],
    [
      'a surrogate in the identifier',
      connectPacket({ flags: 0x02, fields: [field(surrogate)] }),
      violations.illFormedUtf8,
    ],

    ['QoS 3', publishPacket({ qos: 3 }), violations.qos3],
    ['DUP with QoS 0', publishPacket({ qos: 0, dup: true }), violations.dupWithQos0],
    ['PUBLISH with identifier 0', publishPacket({ packetId: 0 }), violations.packetId],
    ['an empty topic', publishPacket({ topic: '' }), violations.emptyTopic],
    ['+ in a topic', publishPacket({ topic: 'a/+' }), violations.topicWildcard],
    ['# in a topic', publishPacket({ topic: 'a#' }), violations.topicWildcard],
    ['a null character in a topic', publishPacket({ topic: 'a\0b' }), violations.nullCharacter],
    ['a surrogate in a topic', publishPacket({ topic: surrogate }), violations.illFormedUtf8],
    ['an overlong encoding', publishPacket({ topic: Buffer.from([0xc0, 0x80]) }), violations.illFormedUtf8],
    ['a topic that reaches beyond the packet', packet(0x30, Buffer.from([0, 9, 0x61])), violations.truncated],
    ['a PUBLISH without room for its identifier', packet(0x32, field('a'), Buffer.from([1])), violations.truncated],

    ['SUBSCRIBE without filters', subscribePacket([]), violations.noFilters],
    ['UNSUBSCRIBE without filters', unsubscribePacket([]), violations.noUnsubscribeFilters],
    ['SUBSCRIBE with identifier 0', subscribePacket(['a'], 0), violations.packetId],
    ['UNSUBSCRIBE with identifier 0', unsubscribePacket(['a'], 0), violations.packetId],
    ['SUBSCRIBE with QoS 3', subscribePacket(['a'], 1, 3), violations.requestedQos],
    ['SUBSCRIBE with reserved bits', subscribePacket(['a'], 1, 0x40), violations.requestedQos],
    ['SUBSCRIBE without QoS', packet(0x82, Buffer.from([0, 1]), field('a')), violations.truncated],
    ['an empty filter', subscribePacket(['']), violations.emptyTopic],
    ['a/#/b', subscribePacket(['a/#/b']), violations.multiLevelWildcard],
    ['a#', subscribePacket(['a#']), violations.multiLevelWildcard],
    ['#a', subscribePacket(['#a']), violations.multiLevelWildcard],
    ['ab/+e', subscribePacket(['ab/+e']), violations.singleLevelWildcard],
    ['a+', subscribePacket(['a+']), violations.singleLevelWildcard],
    ['+a', unsubscribePacket(['+a']), violations.singleLevelWildcard],
    ['a null character in a filter', subscribePacket(['a\0']), violations.nullCharacter],
  ]
  test.each(failing)('%s', (_name, bytes, violation) => {
    expect(check(bytes)).toBe(violation)
  })
})

describe('remaining length', () => {
  test('is one to four bytes, and malformed beyond', () => {
    const header = (...bytes: number[]) => fixedHeaderBytes(Buffer.from([0x30, ...bytes]), 0, bytes.length + 1)
    expect(header(0x00)).toBe(2)
    expect(header(0xff, 0xff, 0xff, 0x7f)).toBe(5)
    expect(header(0x80)).toBe(0)
    expect(header(0xff, 0xff, 0xff, 0xff, 0x7f)).toBe(-1)
    expect(remainingLength(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]), 0, 5)).toBe(268_435_455)
    expect(remainingLength(Buffer.from([0x30, 0xc1, 0x02]), 0, 3)).toBe(321)
  })
})

test('no bytes make the check throw, and none that it reads lie outside the packet', () => {
  const anyPacket = fc.oneof(
    fc.uint8Array({ minLength: 2, maxLength: 60 }),
    fc
      .tuple(fc.constantFrom(0x10, 0x30, 0x32, 0x34, 0x82, 0xa2, 0x62), fc.uint8Array({ maxLength: 60 }))
      .map(([first, body]) => packet(first, body)),
    fc.tuple(fc.integer({ min: 0, max: 40 }), fc.nat(255)).map(([at, byte]) => {
      const bytes = connectPacket({ flags: 0xf6, fields: ['c', 'a/b', 'bye', 'u', 'p'].map(field) })
      bytes[2 + (at % (bytes.length - 2))] = byte
      return bytes
    }),
  )
  fc.assert(
    fc.property(anyPacket, fc.uint8Array({ maxLength: 10 }), (bytes, behind) => {
      const header = fixedHeaderBytes(bytes, 0, bytes.length)
      if (header <= 0) return
      const end = header + remainingLength(bytes, 0, header)
      if (end > bytes.length) return
      const alone = checkPacket(bytes.subarray(0, end), 0, header, end)
      const withMore = checkPacket(Buffer.concat([bytes.subarray(0, end), behind]), 0, header, end)
      expect(withMore).toBe(alone)
    }),
    { numRuns: 3000 },
  )
})
