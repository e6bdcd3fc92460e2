import { describe, expect, test } from 'vitest'
import { AppError } from '../../model/index.ts'
import type { AppendTarget, SegmentLog } from '../../store/log/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { startHarness } from './harness.ts'
import { slowDisk } from './slow-disk.ts'
import { connectAs, pingreq, pingresp, publishPacket, pubrec } from './wire.ts'

const sessionResumed = Buffer.from([0x20, 2, 1, 0])
const kib = (count: number) => 'x'.repeat(count * 1_024)

/** A log whose disk answers when the test says so. */
function heldLog() {
  let open = Promise.withResolvers<void>()
  let holds = false
  let held = 0
  const wrapLog = (log: SegmentLog): AppendTarget => ({
    get lastReceivedMs() {
      return log.lastReceivedMs
    },
    waitForRoom: (signal) => log.waitForRoom(signal),
    async append(frames) {
      held += holds ? 1 : 0
      if (holds) await open.promise
      return log.append(frames)
    },
  })
  return {
    wrapLog,
    get held() {
      return held
    },
    hold() {
      holds = true
    },
    release() {
      holds = false
      open.resolve()
      open = Promise.withResolvers()
    },
  }
}

describe('QoS 2 beyond what may wait for the disk', () => {
  test('is never acknowledged unwritten, on this connection or the next', async () => {
    const disk = heldLog()
    await using harness = await startHarness({ wrapLog: disk.wrapLog, appender: { waitingBytesMax: 10_000 } })
    const first = await harness.raw()
    first.send(connectAs('meter1', 'c', false))
    await first.bytes(4)
    await waitUntil('its presence', async () => (await harness.frames()).length === 2)
    disk.hold()
    const [small, large] = [kib(6), kib(7)]
    first.send(publishPacket({ qos: 2, packetId: 1, payload: small }))
    await waitUntil('the first on its way', () => disk.held === 1)
    first.send(publishPacket({ qos: 2, packetId: 2, payload: large }))
    await first.untilClosed()
    disk.release()
    await waitUntil('the first to be written', async () => (await harness.messages()).length === 1)
    const second = await harness.raw()
    second.send(connectAs('meter1', 'c', false), publishPacket({ qos: 2, packetId: 2, payload: large, dup: true }))
    expect(await second.bytes(8)).toEqual(Buffer.concat([sessionResumed, pubrec(2)]))
    expect((await harness.messages()).map(({ packetId }) => packetId)).toEqual([1, 2])
  })

  test('is counted as it comes: an opening valve lets in no more than may wait', async () => {
    const disk = slowDisk()
    const config = { waitingBytes: 10_000, stopTimeoutMs: 50 }
    await using harness = await startHarness({ wrapAppender: disk.wrap, config })
    const first = await harness.raw()
    const others = await Promise.all(Array.from({ length: 5 }, () => harness.raw()))
    for (const [i, client] of [first, ...others].entries()) client.send(connectAs('meter1', `c${i}`, false))
    for (const client of [first, ...others]) await client.bytes(4)
    first.send(publishPacket({ payload: kib(12) }))
    await waitUntil('the valve to shut', () => disk.waiting.length === 1)
    const { receivedBytesTotal: before } = harness.broker.stats()
    const publish = publishPacket({ qos: 2, payload: kib(6) })
    for (const client of others) client.send(publish)
    const all = before + others.length * publish.length
    await waitUntil('five messages behind it', () => harness.broker.stats().receivedBytesTotal === all)
    disk.release()
    await waitUntil('two of them', () => disk.waiting.length >= 2)
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    expect(disk.waiting).toHaveLength(2)
  })
})

describe('a QoS 2 message sent again on another connection of its session', () => {
  const keys = { k1: 'all' } as const

  test('while it is on its way to the disk is written and delivered once', async () => {
    const disk = slowDisk()
    await using harness = await startHarness({ keys, wrapAppender: disk.wrap })
    const received: string[] = []
    const subscriber = await harness.client('key:k1')
    subscriber.on('message', (_topic, payload) => received.push(String(payload)))
    await subscriber.subscribeAsync('pel/v1/#', { qos: 2 })
    const first = await harness.raw()
    first.send(connectAs('meter1', 'c', false), publishPacket({ qos: 2, packetId: 6, payload: 'once' }))
    await waitUntil('it to be on its way', () => disk.waiting.length === 1)
    first.end()
    await waitUntil('its connection to be gone', () => harness.broker.stats().connections === 1)
    const second = await harness.raw()
    second.send(
      connectAs('meter1', 'c', false),
      publishPacket({ qos: 2, packetId: 6, payload: 'once', dup: true }),
      publishPacket({ qos: 2, packetId: 7, payload: 'next' }),
    )
    await waitUntil('the next', () => disk.waiting.length >= 2)
    disk.release()
    expect(await second.bytes(12)).toEqual(Buffer.concat([sessionResumed, pubrec(6), pubrec(7)]))
    await waitUntil('the next to be delivered', () => received.includes('next'))
    expect(received).toEqual(['once', 'next'])
    expect(await harness.messages()).toHaveLength(2)
  })

  test('is written then if the first was released unwritten', async () => {
    const disk = slowDisk()
    await using harness = await startHarness({ wrapAppender: disk.wrap })
    const publish = publishPacket({ qos: 2, packetId: 6, dup: true })
    const first = await harness.raw()
    first.send(connectAs('meter1', 'c', false), publishPacket({ qos: 2, packetId: 6 }))
    await waitUntil('it to be on its way', () => disk.waiting.length === 1)
    first.end()
    await waitUntil('its connection to be gone', () => harness.broker.stats().connections === 0)
    const second = await harness.raw()
    second.send(connectAs('meter1', 'c', false), publish, pingreq)
    await second.bytes(6)
    for (const frame of disk.waiting.splice(0)) frame.done(new AppError('closed', 'append frame failed: nobody waits'))
    expect(await second.untilClosed()).toEqual(Buffer.concat([sessionResumed, pingresp]))
    const third = await harness.raw()
    third.send(connectAs('meter1', 'c', false), publish)
    await waitUntil('it again', () => disk.waiting.length === 1)
    disk.release()
    expect(await third.bytes(8)).toEqual(Buffer.concat([sessionResumed, pubrec(6)]))
    expect(await harness.messages()).toHaveLength(1)
  })
})

describe('another QoS 2 message under a packet identifier that awaits its PUBREL', () => {
  const [one, two] = ['{"v":1}', '{"v":2}']
  const publish = (payload: string, dup = false) => publishPacket({ qos: 2, packetId: 1, payload, dup })

  test('of a client that has forgotten its session is written, and known from then on', async () => {
    await using harness = await startHarness()
    for (const packet of [publish(one), publish(two), publish(two, true)]) {
      const client = await harness.raw()
      client.send(connectAs('meter1', 'c', false), packet)
      expect((await client.bytes(8)).subarray(4)).toEqual(pubrec(1))
      client.end()
      await waitUntil('its connection to be gone', () => harness.broker.stats().connections === 0)
    }
    expect((await harness.messages()).map(({ payload }) => payload)).toEqual([one, two])
  })

  test('is written also while the former is on its way, and answered when it is on disk itself', async () => {
    const disk = slowDisk()
    await using harness = await startHarness({ wrapAppender: disk.wrap })
    const first = await harness.raw()
    first.send(connectAs('meter1', 'c', false), publish(one))
    await waitUntil('the former', () => disk.waiting.length === 1)
    first.end()
    await waitUntil('its connection to be gone', () => harness.broker.stats().connections === 0)
    const second = await harness.raw()
    second.send(connectAs('meter1', 'c', false), publish(two))
    await waitUntil('both', () => disk.waiting.length === 2)
    disk.release(1)
    await waitUntil('the former to be written', async () => (await harness.messages()).length === 1)
    second.send(pingreq)
    expect(await second.bytes(6)).toEqual(Buffer.concat([sessionResumed, pingresp]))
    disk.release()
    expect((await second.bytes(10)).subarray(6)).toEqual(pubrec(1))
    expect((await harness.messages()).map(({ payload }) => payload)).toEqual([one, two])
  })
})
