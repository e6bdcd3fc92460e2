import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { connackFirst } from '../../broker/connack.ts'
import { Grants, matchesFilter } from '../../broker/grants.ts'
import { Inflight } from '../../broker/inflight.ts'
import { PacketReader } from '../../broker/packet-reader.ts'
import { TokenBucket } from '../../broker/rate.ts'
import { createRefusals } from '../../broker/refusals.ts'
import { SubscriptionIndex } from '../../broker/subscription-index.ts'
import { TopicTable } from '../../broker/topic-table.ts'
import { parseScalarTopic } from '../../model/index.ts'
import type { LogAppender } from '../../store/log/index.ts'
import { packet } from './wire.ts'

const level = fc.constantFrom('', 'a', 'b', 'c')
const topicName = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'))
const topicFilter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([levels, all]) => [...levels, ...(all ? ['#'] : [])].join('/'))

describe('filters', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['a/b', 'a/b', true],
    ['a/b', 'a/b/c', false],
    ['a/+', 'a/b', true],
    ['a/+', 'a', false],
    ['a/+', 'a/', true],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['#', 'a/b', true],
    ['+/+', '/a', true],
    ['+', '/a', false],
    ['a/b/+', 'a/b/', true],
    ['#', '$SYS/x', false],
    ['+/x', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
  ]
  test.each(cases)('%s against %s: %s', (filter, topic, matches) => {
    expect(matchesFilter(filter, topic)).toBe(matches)
  })

  test('the index finds whom each filter alone would find', () => {
    fc.assert(
      fc.property(fc.uniqueArray(topicFilter, { maxLength: 12 }), topicName, (filters, topic) => {
        const index = new SubscriptionIndex()
        const delivers = filters.map((filter) => ({ filter, deliver: () => {} }))
        for (const { filter, deliver } of delivers) index.add(filter, deliver)
        const expected = delivers.filter(({ filter }) => matchesFilter(filter, topic)).map(({ deliver }) => deliver)
        expect(index.match(topic)).toEqual(new Set(expected))
        for (const { filter, deliver } of delivers.slice(1)) index.remove(filter, deliver)
        expect(index.match(topic)).toEqual(new Set(expected.filter((deliver) => deliver === delivers[0]?.deliver)))
      }),
    )
  })
})

test('a delivery gets the highest QoS of the matching filters, and never more than its own', () => {
  const grants = new Grants()
  grants.grant('a/#', 0)
  grants.grant('a/b', 1)
  expect(grants.deliverWith('a/b', 2)).toBe(1)
  expect(grants.deliverWith('a/c', 2)).toBe(0)
  expect(grants.deliverWith('a/b', 0)).toBe(0)
  grants.revoke('a/b')
  expect(grants.deliverWith('a/b', 2)).toBe(0)
})

test('messages in flight leave in the order in which they came, and their bytes add up', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(10_000), { nil: undefined }), { maxLength: 400 }), (steps) => {
      const inflight = new Inflight()
      const model: { id: number; size: number }[] = []
      for (const [i, size] of steps.entries()) {
        if (size === undefined) {
          inflight.shift()
          model.shift()
        } else {
          const message = { id: (i % 65_535) + 1, size }
          inflight.push(message.id, message.size, undefined)
          model.push(message)
        }
        expect(inflight.count).toBe(model.length)
        expect(inflight.bytes).toBe(model.reduce((sum, message) => sum + message.size, 0))
        if (model[0] !== undefined) expect(inflight.headId).toBe(model[0].id)
      }
    }),
  )
})

test('a stream is cut into the same packets however it arrives, and however often reading pauses', () => {
  const body = fc.uint8Array({ maxLength: 300 })
  const cut = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(fc.array(body, { maxLength: 12 }), cut, fc.integer({ min: 1, max: 4 }), (bodies, sizes, atATime) => {
      const packets = bodies.map((bytes) => packet(0x30, bytes))
      const stream = Buffer.concat(packets)
      const reader = new PacketReader()
      const seen: Buffer[] = []
      let allowed = 0
      const target = {
        mayTake: () => allowed > 0,
        packet: (bytes: Buffer, at: number, _body: number, end: number) => {
          allowed--
          seen.push(Buffer.from(bytes.subarray(at, end)))
          return undefined
        },
        partial: (_bytes: Buffer, at: number, _body: number, end: number) => end - at,
      }
      for (let at = 0, i = 0; at < stream.length; i++) {
        const size = sizes[i % sizes.length] ?? 1
        reader.add(stream.subarray(at, at + size))
        at += size
        for (let before = -1; reader.isReady && before < seen.length; ) {
          before = seen.length
          allowed = atATime
          expect(reader.take(target)).toBeUndefined()
        }
      }
      expect(seen).toEqual(packets)
      expect(reader.isReady).toBe(false)
    }),
  )
})

test('topics are found by their bytes, and resolved once', () => {
  const table = new TopicTable({ scalarTopics: [parseScalarTopic('panel/{device}/{metric}')], metricNames: new Map() })
  const bytes = Buffer.from('..pel/v1/m1/telemetry.panel/m2/volt.elsewhere')
  const ranges = [
    [2, 21, 'm1'],
    [22, 35, 'm2'],
    [36, 45, undefined],
  ] as const
  for (const [from, to, deviceId] of ranges) {
    expect(table.find(bytes, from, to)?.topic).not.toBe(bytes.toString('utf8', from, to))
    expect(table.add(bytes, from, to).deviceId).toBe(deviceId)
  }
  for (const [from, to] of ranges) {
    const entry = table.find(Buffer.concat([Buffer.from('#'), bytes]), from + 1, to + 1)
    expect(entry?.topic).toBe(bytes.toString('utf8', from, to))
  }
  for (let i = 0; i < 5_000; i++) {
    const topic = Buffer.from(`pel/v1/m1/commands/${i}/ack`)
    if (table.find(topic, 0, topic.length) === undefined) table.add(topic, 0, topic.length)
    expect(table.find(topic, 0, topic.length)?.topic).toBe(topic.toString())
  }
})

test('a bucket lets a burst through and then an even rate', () => {
  const bucket = new TokenBucket(10, 0)
  expect(Array.from({ length: 12 }, () => bucket.take(0)).filter(Boolean)).toHaveLength(10)
  expect(bucket.take(100)).toBe(true)
  expect(bucket.take(100)).toBe(false)
  const paying = new TokenBucket(2, 0)
  expect([paying.spend(0), paying.spend(0), paying.spend(0), paying.spend(0)]).toEqual([0, 0, 500, 1_000])
  expect(paying.spend(1_500)).toBe(0)
})

test('refusals are listed ten a second for each principal, cut, and counted without a bound', () => {
  const listed: string[] = []
  const appender: LogAppender = {
    append: ({ payload }) => void listed.push(Buffer.from(payload).toString()),
    waitingBytes: 0,
    full: false,
    lastReceivedMs: 0,
    start: () => {},
    stop: async () => ({ unwritten: 0 }),
  }
  let nowMs = 0
  const refusals = createRefusals(appender, () => nowMs)
  const refuse = (principal: string) => {
    const bytes = Buffer.alloc(5_000, 'x')
    const [origin, topic] = [Buffer.from(principal), Buffer.from('t')]
    refusals.record({ reason: 'payload_too_large', principal, origin, session: 1, topic, payload: bytes })
  }
  for (let i = 0; i < 25; i++) refuse('flood')
  refuse('other')
  expect(listed).toHaveLength(11)
  expect(listed[0]).toBe(`payload_too_large\0${'x'.repeat(4_096)}`)
  nowMs = 1_000
  for (let i = 0; i < 25; i++) refuse('flood')
  expect(listed).toHaveLength(21)
  expect(refusals.total).toBe(51)
})

test('CONNACK goes before what was written earlier, and says whether the session was there', () => {
  const connack = Buffer.from([0x20, 2, 0, 0])
  const delivery = Buffer.from([0x30, 4, 0, 1, 0x61, 0x20])
  expect(connackFirst(delivery, true)).toBeUndefined()
  expect(connackFirst(Buffer.concat([delivery, connack]), true)).toEqual(
    Buffer.concat([Buffer.from([0x20, 2, 1, 0]), delivery]),
  )
  expect(connackFirst(Buffer.from([0x20, 2, 1, 0]), false)).toEqual(connack)
  expect(connackFirst(Buffer.from([0x20, 2, 0, 4]), true)).toEqual(Buffer.from([0x20, 2, 0, 4]))
})
