import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createGate, type Waiting } from '../../broker/gate.ts'
import { createPace, PaceCredit } from '../../broker/pace.ts'
import type { LogStats } from '../../store/log/index.ts'

const paceBytes = 16_000
const burstBytes = 1_000

/** A log as the broker sees it, its consumer `ingest`, and a clock. */
function setUp(config = { paceBytes }, consumer = 'ingest') {
  const world = { durable: 0, position: 0, waiting: 0, nowMs: 0 }
  const pace = createPace(config, {
    log: {
      stats: (): LogStats => {
        const { durable, position } = world
        const consumers = [
          { name: 'fanout', position: 0, lag: durable, released: 0 },
          { name: 'ingest', position, lag: durable - position, released: 0 },
        ]
        return { tail: 0, head: durable, durable, bytes: durable, maxBytes: 1e9, full: false, commits: 0, consumers }
      },
    },
    appender: {
      get waitingBytes() {
        return world.waiting
      },
    },
    consumer,
    monotonicMs: () => world.nowMs,
  })
  /** Appends messages of so many bytes until publishers are held back, or all are in; how much that was. */
  const publish = (bytes: number, messageBytes = 100): number => {
    let published = 0
    while (published < bytes && !pace.holds()) {
      pace.spend(messageBytes)
      world.durable += messageBytes
      published += messageBytes
    }
    return published
  }
  const readOn = (bytes: number) => {
    world.position = Math.min(world.durable, world.position + bytes)
  }
  /** The consumer is known to read, and is as far behind as it may be. */
  const fallBehind = () => {
    publish(2_000)
    readOn(2_000)
    publish(1e6)
  }
  return { world, pace, publish, readOn, fallBehind }
}

describe('publishers', () => {
  test('are held back when a consumer that reads is too far behind', () => {
    const { world, pace, fallBehind } = setUp()
    fallBehind()
    expect(pace.holds()).toBe(true)
    expect(world.durable - world.position).toBeGreaterThan(paceBytes)
    expect(world.durable - world.position).toBeLessThanOrEqual(paceBytes + burstBytes)
  })

  test('are then let in by a little less than the consumer reads, however little that is', () => {
    const { publish, readOn, fallBehind } = setUp()
    fallBehind()
    let published = 0
    for (let i = 0; i < 50; i++) {
      readOn(20)
      published += publish(1e6, 1)
    }
    expect(published).toBeCloseTo(50 * 20 * 0.95)
  })

  test('owe what a large message was too much', () => {
    const { pace, publish, readOn, fallBehind } = setUp()
    fallBehind()
    readOn(100)
    expect(publish(1_000, 1_000)).toBe(1_000)
    readOn(800)
    expect(pace.holds()).toBe(true)
    readOn(200)
    expect(pace.holds()).toBe(false)
  })

  test('are not held back by a consumer that was never seen to read', () => {
    const { publish } = setUp()
    expect(publish(1e6)).toBe(1e6)
  })

  test('are let go when the consumer has stopped, and held back again when it reads on', () => {
    const { world, pace, publish, readOn, fallBehind } = setUp()
    fallBehind()
    world.nowMs += 4_999
    expect(pace.holds()).toBe(true)
    world.nowMs += 1
    expect(publish(1e6)).toBe(1e6)
    readOn(500)
    expect(publish(1e6)).toBeLessThanOrEqual(burstBytes + 500)
  })

  test('that send less than the consumer reads do not notice that it is behind', () => {
    const { world, pace, publish, readOn } = setUp()
    publish(1e6)
    for (let i = 0; i < 1_000; i++) {
      world.nowMs += 10
      readOn(1_000)
      expect(publish(900)).toBe(900)
    }
    expect(pace.heldMsTotal).toBe(0)
  })

  test('have what waits for the disk counted as theirs', () => {
    const { world, pace, publish, readOn } = setUp()
    publish(2_000)
    readOn(2_000)
    world.waiting = 20_000
    publish(burstBytes * 2)
    expect(pace.holds()).toBe(true)
    world.waiting = 0
    expect(pace.holds()).toBe(false)
  })

  test('are never held back when that is off', () => {
    const { publish, readOn, fallBehind } = setUp({ paceBytes: 0 })
    fallBehind()
    readOn(1)
    expect(publish(1e6)).toBe(1e6)
  })

  test('never get further ahead than the bound, however the consumer reads', () => {
    const step = fc.record({
      read: fc.nat(3_000),
      publish: fc.nat(10_000),
      messageBytes: fc.integer({ min: 1, max: 500 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const { world, publish, readOn } = setUp()
        publish(burstBytes)
        readOn(1)
        for (const { read, publish: bytes, messageBytes } of steps) {
          // Whoever reads nothing at all for five seconds has stopped.
          world.nowMs += 10
          readOn(Math.max(1, read))
          publish(bytes, messageBytes)
          expect(world.durable - world.position).toBeLessThanOrEqual(paceBytes + burstBytes + 500)
        }
      }),
    )
  })
})

test('the time in which publishers are held back is counted, not that in which nobody waits', () => {
  const { world, pace, readOn, fallBehind } = setUp()
  fallBehind()
  world.nowMs += 300
  expect(pace.heldMsTotal).toBe(300)
  readOn(200)
  expect(pace.holds()).toBe(false)
  world.nowMs += 1_000
  expect(pace.heldMsTotal).toBe(300)
  pace.spend(1_000)
  expect(pace.holds()).toBe(true)
  world.nowMs += 50
  pace.rest()
  world.nowMs += 1_000
  expect(pace.heldMsTotal).toBe(350)
})

test('a credit starts used up: the first look decides', () => {
  const credit = new PaceCredit(paceBytes)
  expect(credit.used).toBe(true)
  credit.look(0, 0, 0)
  expect(credit.used).toBe(false)
})

test('a consumer that the log does not have is a mistake', () => {
  expect(() => setUp({ paceBytes }, 'nobody')).toThrow('nobody')
})

describe('the gate', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** Connections that want much each; `quota` is what they may still take. */
  function gateWith(names: readonly string[]) {
    const world = { quota: 0, taken: [] as string[] }
    const pace = { holds: () => world.quota <= 0, rest: () => {} }
    const config = { waitingBytes: 1_000, fanoutPending: 1_000 }
    const gate = createGate(config, { appender: { waitingBytes: 0 }, fanout: { pending: 0 }, pace })
    const connections = names.map((name): Waiting => {
      const connection = {
        proceed() {
          while (!gate.shut) {
            world.quota--
            world.taken.push(name)
          }
          gate.wait(connection)
        },
      }
      return connection
    })
    return { gate, world, connections }
  }

  test('lets those first who waited longest', () => {
    const { world, connections } = gateWith(['a', 'b', 'c'])
    for (const connection of connections) connection.proceed()
    for (let i = 0; i < 5; i++) {
      world.quota = 2
      vi.advanceTimersByTime(20)
    }
    expect(world.taken.join('')).toBe('aabbccaabb')
  })

  test('looks again only while somebody waits', () => {
    const { gate, connections } = gateWith(['a', 'b'])
    for (const connection of connections) connection.proceed()
    expect(vi.getTimerCount()).toBe(1)
    for (const connection of connections) gate.forget(connection)
    expect(vi.getTimerCount()).toBe(0)
  })
})
