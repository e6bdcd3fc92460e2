import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as keys from '../../../store/sessions/keys.ts'
import * as records from '../../../store/sessions/records.ts'

const unicode = fc.string({ unit: 'binary', maxLength: 60 })
const qos = fc.constantFrom(0 as const, 1 as const, 2 as const)
const extra = fc.option(
  fc.dictionary(fc.string({ minLength: 1 }), fc.oneof(fc.integer(), fc.string()), { minKeys: 1 }),
  {
    nil: undefined,
  },
)
const message = fc.record({
  topic: unicode,
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ unit: 'binary' }),
  ),
  qos,
  retain: fc.boolean(),
  extra,
})

describe('session records', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(message, unicode, unicode, (value, clientId, brokerId) => {
        expect(records.decodeMessage(records.encodeMessage(value))).toEqual(value)
        const will = { clientId, brokerId, message: value }
        expect(records.decodeWill(records.encodeWill(will))).toEqual(will)
        const subscription = { filter: value.topic, qos: value.qos, extra: value.extra }
        expect(records.decodeSubscription(records.encodeSubscription(subscription))).toEqual(subscription)
      }),
    )
    fc.assert(
      fc.property(unicode, fc.nat({ max: 0xffff_ffff }), fc.nat({ max: 0xffff }), (clientId, number, small) => {
        const session = { clientId, number, hoursOffline: small }
        expect(records.decodeSession(records.encodeSession(session))).toEqual(session)
        const flight = { packetId: small, stage: number % 2 === 0 ? ('publish' as const) : ('release' as const) }
        expect(records.decodeFlight(records.encodeFlight(flight))).toEqual(flight)
      }),
    )
  })

  test('hold topics and client identifiers of the largest size', () => {
    const topic = 'x'.repeat(65_535)
    const value = { topic, payload: Buffer.from('p'), qos: 1 as const, retain: true, extra: undefined }
    const will = { clientId: topic, brokerId: 'b', message: value }
    expect(records.decodeWill(records.encodeWill(will))).toEqual(will)
  })
})

describe('session keys', () => {
  test('of a queue sort as its sequences do, and tell them', () => {
    const sequence = fc.nat({ max: Number.MAX_SAFE_INTEGER })
    fc.assert(
      fc.property(sequence, sequence, (a, b) => {
        const [first, second] = [keys.sequenceKey('q', 7, a), keys.sequenceKey('q', 7, b)]
        expect(Math.sign(Buffer.compare(first, second))).toBe(Math.sign(a - b))
        expect(keys.sequenceOf(first)).toBe(a)
        expect(keys.numberOf(first)).toBe(7)
      }),
    )
  })

  test('lie within the range of what they begin with, and of nothing else', () => {
    fc.assert(
      fc.property(unicode, unicode, (start, rest) => {
        const [from, to] = keys.textRange('r', start)
        const inside = keys.textKey('r', start + rest)
        expect(Buffer.compare(inside, from)).toBeGreaterThanOrEqual(0)
        expect(Buffer.compare(inside, to)).toBeLessThan(0)
      }),
    )
    const [from, to] = keys.spaceRange('q', 0xffff_ffff)
    expect(Buffer.compare(keys.sequenceKey('q', 0xffff_ffff, 1), to)).toBeLessThan(0)
    expect(Buffer.compare(keys.sequenceKey('q', 0xffff_fffe, 1), from)).toBeLessThan(0)
  })

  test('of texts too long for a key differ when the texts do', () => {
    const long = 'x'.repeat(5_000)
    expect(keys.textKey('r', `${long}a`)).not.toEqual(keys.textKey('r', `${long}b`))
    expect(keys.textKey('r', long).length).toBeLessThan(1_978)
    expect(keys.filterKey(1, long).length).toBeLessThan(1_978)
  })
})
