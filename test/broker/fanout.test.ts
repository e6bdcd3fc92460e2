import type { PublishPacket } from 'aedes'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createFanout } from '../../broker/fanout.ts'
import { AppError, type FrameKind, FrameWriter, frameKind } from '../../model/index.ts'
import type { LogReader, LogStats } from '../../store/log/index.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const turnMs = 250
const mib = 1024 * 1024

/** A log of these bytes, and a ledger that remembers what was committed. */
function setUp(bytes: Uint8Array = new Uint8Array(0), fanoutPosition = 0) {
  const stats = { tail: 0, durable: bytes.length }
  const released: number[] = []
  const committed: number[] = []
  let refusal: Error | undefined
  const log: LogReader = {
    read: async (position) => ({ start: position, bytes: bytes.subarray(position), end: bytes.length }),
    waitForMore: async () => {},
    release: (_consumer, position) => void released.push(position),
    stats: (): LogStats => ({
      ...stats,
      head: stats.durable,
      bytes: 0,
      maxBytes: 0,
      full: false,
      commits: 0,
      consumers: [],
    }),
    close: async () => {},
  }
  const ledger = {
    fanoutPosition,
    commitFanout: async (position: number) => {
      if (refusal !== undefined) throw refusal
      committed.push(position)
    },
  }
  const fanout = createFanout({ log, ledger, logger: pino({ level: 'silent' }) })
  const refuse = (error: Error | undefined) => {
    refusal = error
  }
  return { fanout, stats, released, committed, refuse }
}

test('commits a position when all messages up to it are with their subscribers', async () => {
  const { fanout, committed, released } = setUp()
  fanout.start()
  for (const position of [100, 200]) {
    fanout.appended()
    fanout.durable(position)
  }
  const held = fanout.begin()
  await vi.advanceTimersByTimeAsync(turnMs)
  expect(committed).toEqual([])
  fanout.appended()
  fanout.durable(300)
  fanout.finish(held)
  await vi.advanceTimersByTimeAsync(turnMs)
  expect(committed.at(-1)).toBe(300)
  expect(released).toEqual(committed)
  await fanout.stop()
})

test('a message that is not finished holds back those after it, however many', async () => {
  const { fanout, committed } = setUp()
  fanout.start()
  fanout.appended()
  fanout.durable(100)
  const held = fanout.begin()
  for (let i = 2; i <= 5; i++) {
    fanout.appended()
    fanout.durable(i * 100)
    await vi.advanceTimersByTimeAsync(turnMs)
  }
  expect(committed).toEqual([])
  fanout.finish(held)
  await vi.advanceTimersByTimeAsync(turnMs)
  expect(committed).toEqual([500])
  await fanout.stop()
})

test('does not write for every message that nobody wants', async () => {
  const { fanout, committed } = setUp()
  fanout.start()
  for (let i = 1; i <= 100; i++) {
    fanout.appended()
    fanout.durable(i * 50_000)
    await vi.advanceTimersByTimeAsync(turnMs)
  }
  expect(committed.length).toBeLessThan(6)
  await fanout.stop()
  expect(committed.at(-1)).toBe(5_000_000)
})

test('moves on with frames that are nobody’s message, but not past one on its way', async () => {
  const { fanout, committed, stats } = setUp()
  fanout.start()
  stats.durable = 7 * mib
  await vi.advanceTimersByTimeAsync(turnMs)
  expect(committed).toEqual([7 * mib])
  fanout.appended()
  stats.durable = 9 * mib
  await vi.advanceTimersByTimeAsync(turnMs)
  expect(committed).toEqual([7 * mib])
  fanout.failed()
  await vi.advanceTimersByTimeAsync(turnMs)
  expect(committed).toEqual([7 * mib, 9 * mib])
  await fanout.stop()
})

test('tries again when the session store did not take the position', async () => {
  const { fanout, committed, refuse, released } = setUp()
  fanout.start()
  refuse(new AppError('store_unavailable', 'commit failed', { retryable: true }))
  fanout.appended()
  fanout.durable(100)
  fanout.finish(fanout.begin())
  await vi.advanceTimersByTimeAsync(4 * turnMs)
  expect(released).toEqual([])
  refuse(undefined)
  await vi.advanceTimersByTimeAsync(turnMs)
  expect(committed).toEqual([100])
  await fanout.stop()
})

test('commits at the stop what is complete', async () => {
  const { fanout, committed } = setUp()
  fanout.start()
  fanout.appended()
  fanout.durable(100)
  await fanout.stop()
  expect(committed).toEqual([100])
})

interface LoggedFrame {
  readonly topic: string
  readonly flags: number
  readonly kind?: FrameKind
  readonly payload?: string
}

function logOf(frames: readonly LoggedFrame[]) {
  const writer = new FrameWriter()
  const ends = frames.map(({ topic, flags, kind = frameKind.message, payload = `of ${topic}` }) => {
    writer.append({ kind, flags, topic, receivedMs: 1, payload: Buffer.from(payload) })
    return writer.length
  })
  return { bytes: Buffer.from(writer.view()), ends }
}

test('publishes again what lies beyond the position: QoS 1, QoS 2 and retained', async () => {
  const { bytes, ends } = logOf([
    { topic: 'a', flags: 1 },
    { topic: 'b', flags: 1 },
    { topic: 'c', flags: 0 },
    { topic: '', flags: 0, kind: frameKind.tick },
    { topic: 'd', flags: 0b1000 },
    { topic: 'e', flags: 0b0110 },
  ])
  const { fanout, committed } = setUp(bytes, ends[0])
  const published: PublishPacket[] = []
  expect(
    await fanout.replay(
      async (packet) => void published.push(packet),
      () => {},
    ),
  ).toBe(3)
  expect(published.map(({ topic, qos, retain, payload }) => [topic, qos, retain, String(payload)])).toEqual([
    ['b', 1, false, 'of b'],
    ['d', 0, true, 'of d'],
    ['e', 2, false, 'of e'],
  ])
  fanout.start()
  await vi.advanceTimersByTimeAsync(turnMs)
  expect(committed).toEqual([bytes.length])
  await fanout.stop()
})

test('forgets again a device that was removed, after what it said and before what its successor says', async () => {
  const { bytes } = logOf([
    { topic: 'before', flags: 1 },
    { topic: 'device/m1', flags: 0, kind: frameKind.control, payload: '' },
    { topic: 'device/m1', flags: 0, kind: frameKind.control, payload: '{}' },
    { topic: 'after', flags: 1 },
  ])
  const { fanout } = setUp(bytes)
  const done: string[] = []
  const publish = async ({ topic }: PublishPacket) => {
    await Promise.resolve()
    done.push(topic)
  }
  await fanout.replay(publish, (device) => void done.push(`forget ${device}`))
  expect(done).toEqual(['before', 'forget m1', 'after'])
})

test('begins at the end when the log is shorter than the position: it was replaced', async () => {
  const { bytes } = logOf([{ topic: 'a', flags: 1 }])
  const { fanout } = setUp(bytes, 1_000_000)
  expect(
    await fanout.replay(
      async () => {},
      () => {},
    ),
  ).toBe(0)
})
