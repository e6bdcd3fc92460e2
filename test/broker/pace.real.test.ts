import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openSegmentReader } from '../../store/log/index.ts'
import { makeTempFolder, type TempFolder } from '../setup/temp-folder.ts'
import { waitUntil } from '../setup/wait.ts'
import { startHarness } from './harness.ts'
import { connectAs, publishPacket } from './wire.ts'

const paceBytes = 64 * 1024
/** What may come on top: the burst, a message, and seals, presence and ticks, which nobody paces. */
const slackBytes = paceBytes / 16 + 8 * 1024
const count = 2_000
const payload = 'x'.repeat(300)
const ackBytes = 4
const connackBytes = 4

const flood = Array.from({ length: count }, (_, i) => publishPacket({ packetId: i + 1, payload }))

describe('a broker on a log that another reads', () => {
  let folder: TempFolder
  beforeEach(() => {
    folder = makeTempFolder('pace')
  })
  afterEach(() => folder.remove())

  /** The broker, a reader that tells how far it is, and a device. */
  async function setUp() {
    const harness = await startHarness({ folder: folder.path, config: { paceBytes } })
    const { log, broker } = harness
    const reader = openSegmentReader({ folder: join(folder.path, 'log'), shared: log.shared, consumer: 'ingest' })
    const client = await harness.raw()
    client.send(connectAs('meter1'))
    await client.bytes(connackBytes)
    let position = 0
    return {
      broker,
      client,
      lag: () => log.stats().durable - position,
      /** Reads on, and says so; false: there was nothing. */
      async readOn(bytes: number) {
        const { end } = await reader.read(position, bytes)
        const more = end > position
        position = end
        await reader.read(position, 1)
        return more
      },
      allAcked: () => client.received.length === connackBytes + count * ackBytes,
      async [Symbol.asyncDispose]() {
        await harness[Symbol.asyncDispose]()
        await reader.close()
      },
    }
  }

  test('reads publishers no faster than a slow one goes on; nothing is dropped', async () => {
    await using world = await setUp()
    await waitUntil('something to read', () => world.readOn(1_000_000))
    world.client.send(...flood)
    let most = 0
    await waitUntil(
      'all',
      async () => {
        most = Math.max(most, world.lag())
        await world.readOn(10_000)
        return world.allAcked()
      },
      { everyMs: 1 },
    )
    expect(most).toBeGreaterThan(paceBytes)
    expect(most).toBeLessThanOrEqual(paceBytes + slackBytes)
    expect(world.broker.stats()).toMatchObject({ ackedTotal: count, droppedQos0Total: 0 })
    expect(world.broker.stats().pacedMsTotal).toBeGreaterThan(0)
  })

  test('holds nobody back for one that stops half way, once it has stood still for a while', async () => {
    await using world = await setUp()
    await waitUntil('something to read', () => world.readOn(1_000_000))
    world.client.send(...flood)
    await waitUntil('publishers to be held back', () => world.broker.stats().pacedMsTotal > 0)
    await world.readOn(10_000)
    await waitUntil('all', world.allAcked)
    expect(world.lag()).toBeGreaterThan(paceBytes + slackBytes)
  })

  test('holds nobody back for one that has not begun', async () => {
    await using world = await setUp()
    world.client.send(...flood)
    await waitUntil('all', world.allAcked)
    expect(world.broker.stats().pacedMsTotal).toBe(0)
  })

  test('holds nobody back for one that keeps up', async () => {
    await using world = await setUp()
    for (let i = 0; i < count; i += 100) {
      world.client.send(...flood.slice(i, i + 100))
      await world.client.bytes(connackBytes + (i + 100) * ackBytes)
      while (await world.readOn(1_000_000));
    }
    expect(world.broker.stats()).toMatchObject({ ackedTotal: count, pacedMsTotal: 0 })
  })
})
