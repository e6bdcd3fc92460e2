import { describe, expect, test } from 'vitest'
import type { AppendTarget, SegmentLog } from '../../store/log/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { startHarness } from './harness.ts'
import { slowDisk } from './slow-disk.ts'
import { connectAs, publishPacket, pubrec } from './wire.ts'

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
