import { describe, expect, test } from 'vitest'
import { AppError } from '../../model/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { startHarness } from './harness.ts'
import { slowDisk } from './slow-disk.ts'
import { connackAccepted, connectAs, pingreq, pingresp, puback, publishPacket, subscribePacket } from './wire.ts'

const packets = (count: number, payload = 'x'.repeat(100)) =>
  Array.from({ length: count }, (_, i) => publishPacket({ packetId: i + 1, payload }))

describe('while the disk is slow', () => {
  test('nothing is acknowledged, and pings are still answered', async () => {
    const disk = slowDisk()
    await using harness = await startHarness({ wrapAppender: disk.wrap })
    const client = await harness.raw()
    client.send(connectAs('meter1'), ...packets(3), pingreq)
    expect(await client.bytes(6)).toEqual(Buffer.concat([connackAccepted, pingresp]))
    expect(disk.waiting).toHaveLength(3)
    disk.release(2)
    expect(await client.bytes(14)).toEqual(Buffer.concat([connackAccepted, pingresp, puback(1), puback(2)]))
    disk.release()
    await client.bytes(18)
  })

  test('a connection is read up to its bounds, and on when half of it is on disk', async () => {
    const disk = slowDisk()
    await using harness = await startHarness({ wrapAppender: disk.wrap, config: { inflightMessages: 10 } })
    const client = await harness.raw()
    client.send(connectAs('meter1'), ...packets(25))
    await waitUntil('ten messages', () => disk.waiting.length === 10)
    disk.release(4)
    await client.bytes(4 + 4 * 4)
    expect(disk.waiting).toHaveLength(6)
    disk.release(1)
    await waitUntil('the next five', () => disk.waiting.length === 10)
    await waitUntil('all', () => {
      disk.release()
      return client.received.length === 4 + 25 * 4
    })
    expect((await harness.messages()).map(({ packetId }) => packetId)).toEqual(
      Array.from({ length: 25 }, (_, i) => i + 1),
    )
  })

  test('one connection that waits does not keep another waiting', async () => {
    const disk = slowDisk()
    const devices = { meter1: {}, meter2: {} }
    await using harness = await startHarness({ devices, wrapAppender: disk.wrap, config: { inflightMessages: 10 } })
    const [one, two] = [await harness.raw(), await harness.raw()]
    one.send(connectAs('meter1'), ...packets(25))
    await waitUntil('ten messages', () => disk.waiting.length === 10)
    two.send(connectAs('meter2'), publishPacket({ topic: 'pel/v1/meter2/telemetry' }))
    await waitUntil("the other's message", () => disk.waiting.length === 11)
  })

  test('nobody is read beyond the bytes that may wait, new connections get CONNACK 0x03, and it recovers', async () => {
    const disk = slowDisk()
    await using harness = await startHarness({ wrapAppender: disk.wrap, config: { waitingBytes: 10_000 } })
    const [one, two] = [await harness.raw(), await harness.raw()]
    one.send(connectAs('meter1', 'one'))
    two.send(connectAs('meter1', 'two'))
    await Promise.all([one.bytes(4), two.bytes(4)])
    one.send(...packets(2, 'x'.repeat(6_000)))
    await waitUntil('the bound', () => disk.waiting.length === 2)
    two.send(...packets(1))
    const third = await harness.raw()
    third.send(connectAs('meter1', 'three'))
    expect(await third.untilClosed()).toEqual(Buffer.from([0x20, 2, 0, 3]))
    expect(disk.waiting).toHaveLength(2)
    disk.release()
    await waitUntil('the message that was not read', () => disk.waiting.length === 1)
    disk.release()
    expect(await two.bytes(8)).toEqual(Buffer.concat([connackAccepted, puback(1)]))
  })

  test('frames of a connection that has gone are marked as unwanted', async () => {
    const disk = slowDisk()
    await using harness = await startHarness({ wrapAppender: disk.wrap })
    const client = await harness.raw()
    client.send(connectAs('meter1'), ...packets(2))
    await waitUntil('two messages', () => disk.waiting.length === 2)
    client.end()
    await waitUntil('its end to be noticed', () => disk.waiting.every(({ owner }) => owner.closed))
    // Released unwritten, as the log does it with such frames when it is full.
    for (const frame of disk.waiting.splice(0)) frame.done(new AppError('closed', 'append frame failed: nobody waits'))
    expect(await harness.messages()).toEqual([])
  })
})

test('QoS 0 alone meets the same bound, and is read again when the disk has caught up', async () => {
  const disk = slowDisk()
  await using harness = await startHarness({ wrapAppender: disk.wrap, config: { waitingBytes: 2_000 } })
  const client = await harness.raw()
  const payload = 'x'.repeat(1_000)
  client.send(connectAs('meter1'), ...Array.from({ length: 6 }, () => publishPacket({ qos: 0, payload })), pingreq)
  await waitUntil('the bound', () => disk.waiting.length === 2)
  await waitUntil('all', async () => {
    disk.release()
    return (await harness.messages()).length === 6
  })
  expect(await client.bytes(6)).toEqual(Buffer.concat([connackAccepted, pingresp]))
})

test('a full log drops QoS 0 and counts it; QoS 1 waits', async () => {
  const disk = slowDisk()
  await using harness = await startHarness({ wrapAppender: disk.wrap })
  disk.state.full = true
  const client = await harness.raw()
  client.send(connectAs('meter1'), publishPacket({ qos: 0 }), publishPacket({ packetId: 5 }), pingreq)
  await client.bytes(6)
  expect(harness.broker.stats().droppedQos0Total).toBe(1)
  expect(disk.waiting).toHaveLength(1)
  disk.state.full = false
  client.send(publishPacket({ qos: 0 }))
  await waitUntil('the next QoS 0', () => disk.waiting.length === 2)
  disk.release()
})

test('what the log refuses ends the connection without an ack', async () => {
  const disk = slowDisk()
  await using harness = await startHarness({ wrapAppender: disk.wrap })
  const client = await harness.raw()
  client.send(connectAs('meter1'), ...packets(2))
  await waitUntil('two messages', () => disk.waiting.length === 2)
  for (const frame of disk.waiting.splice(0)) frame.done(new AppError('log_full', 'append frame failed'))
  expect(await client.untilClosed()).toEqual(connackAccepted)
  expect(harness.broker.stats().ackedTotal).toBe(0)
})

test('above its rate a device is read more slowly, and nothing is dropped', async () => {
  await using harness = await startHarness({ devices: { meter1: { limits: { messagesPerS: 50 } } } })
  const client = await harness.raw()
  const startMs = performance.now()
  client.send(connectAs('meter1'), ...packets(75))
  await client.bytes(4 + 75 * 4)
  // 50 at once, the other 25 at 50 a second.
  expect(performance.now() - startMs).toBeGreaterThan(400)
  expect(await harness.messages()).toHaveLength(75)
})

test('connections beyond the bound get CONNACK 0x03', async () => {
  await using harness = await startHarness({ config: { maxConnections: 2 } })
  const clients = [await harness.raw(), await harness.raw()]
  for (const [i, client] of clients.entries()) client.send(connectAs('meter1', `c${i}`))
  await Promise.all(clients.map((client) => client.bytes(4)))
  const third = await harness.raw()
  third.send(connectAs('meter1', 'third'))
  expect(await third.untilClosed()).toEqual(Buffer.from([0x20, 2, 0, 3]))
})

test('a connection without a CONNECT is ended', async () => {
  await using harness = await startHarness({ config: { connectTimeoutMs: 100 } })
  const client = await harness.raw()
  expect(await client.untilClosed()).toHaveLength(0)
})

test('a subscriber that does not read is ended, and publishers do not notice', async () => {
  const config = { subscriberBacklogBytes: 64 * 1024 }
  await using harness = await startHarness({ keys: { k1: 'all' }, config })
  const slow = await harness.raw()
  slow.send(connectAs('key:k1', 'slow'), subscribePacket(['pel/v1/#'], 1))
  await slow.bytes(9)
  slow.stopReading()
  const meter = await harness.raw()
  meter.send(connectAs('meter1'))
  await meter.bytes(4)
  let sent = 0
  await waitUntil(
    'the slow subscriber to be ended',
    async () => {
      meter.send(publishPacket({ payload: 'x'.repeat(100_000), packetId: (sent++ % 1_000) + 1 }))
      await meter.bytes(4 + sent * 4)
      return harness.broker.stats().connections === 1
    },
    { everyMs: 0 },
  )
  expect(await harness.messages()).toHaveLength(sent)
})

test('a subscriber with QoS 0 that does not read holds up neither publishers nor the fan-out', async () => {
  const config = { subscriberBacklogBytes: 1024 * 1024, fanoutPending: 100 }
  await using harness = await startHarness({ keys: { k1: 'all' }, config })
  const slow = await harness.raw()
  slow.send(connectAs('key:k1', 'slow'), subscribePacket(['pel/v1/#'], 1, 0))
  await slow.bytes(9)
  slow.stopReading()
  const meter = await harness.raw()
  meter.send(connectAs('meter1'))
  await meter.bytes(4)
  const batch = packets(500, 'x'.repeat(1_000))
  let sent = 0
  while (harness.broker.stats().droppedDeliveriesTotal === 0) {
    meter.send(...batch)
    sent += batch.length
    await meter.bytes(4 + sent * 4)
  }
  const { durable } = harness.log.stats()
  await waitUntil('the fan-out', () => {
    const fanout = harness.log.stats().consumers.find(({ name }) => name === 'fanout')
    return (fanout?.released ?? 0) >= durable
  })
  expect(harness.broker.stats().connections).toBe(2)
})

test('a subscriber with QoS 1 that does not read is ended when publishers have to wait for it', async () => {
  await using harness = await startHarness({ keys: { k1: 'all' }, config: { fanoutPending: 100 } })
  const [slow, meter] = [await harness.raw(), await harness.raw()]
  slow.send(connectAs('key:k1', 'slow'), subscribePacket(['pel/v1/#'], 1, 1))
  await slow.bytes(9)
  slow.stopReading()
  meter.send(connectAs('meter1'))
  await meter.bytes(4)
  const batch = packets(500, 'x'.repeat(1_000))
  for (let sent = batch.length; harness.broker.stats().connections === 2; sent += batch.length) {
    meter.send(...batch)
    await meter.bytes(4 + sent * 4)
  }
})
