import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createSessionPersistence } from '../../broker/index.ts'
import { createLmdbSessions, type MqttSessions } from '../../store/sessions/index.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'
import { waitUntil } from '../setup/wait.ts'
import { startHarness } from './harness.ts'
import { connectAs, subscribePacket } from './wire.ts'

const keys = { k1: 'all' } as const
const devices = { meter1: {}, meter2: {} }
const heartbeatMs = 1_000

async function withSessions<T>(folder: string, use: (sessions: MqttSessions) => Promise<T>): Promise<T> {
  const sessions = createLmdbSessions({ folder: join(folder, 'sessions') })
  await sessions.open()
  try {
    return await use(sessions)
  } finally {
    await sessions.close()
  }
}

/** What a broker leaves that was killed while the devices were connected. */
function leaveWills(folder: string): Promise<void> {
  return withSessions(folder, async (sessions) => {
    const earlier = createSessionPersistence(sessions)
    await earlier.setup({ id: 'the broker that crashed' })
    for (const device of Object.keys(devices)) {
      const will = { topic: `pel/v1/${device}/status`, payload: Buffer.from('offline'), qos: 1, retain: true } as const
      await earlier.putWill({ id: `${device}/c` }, will)
    }
  })
}

test('wills that a crash left reach a persistent session that is offline, and are published once', async () => {
  using folder = makeTempFolder('wills')
  const before = await startHarness({ folder: folder.path, devices, keys })
  const away = await before.raw()
  away.send(connectAs('key:k1', 'away', false), subscribePacket(['pel/v1/+/status'], 1))
  await away.bytes(9)
  away.end()
  await before.stop()
  await leaveWills(folder.path)

  const harness = await startHarness({ folder: folder.path, devices, keys, config: { heartbeatMs } })
  await waitUntil('both wills', async () => (await harness.messages()).length === 2)
  const back = await harness.raw()
  back.send(connectAs('key:k1', 'away', false))
  const topics = Object.keys(devices).map((device) => `pel/v1/${device}/status`)
  await waitUntil('both deliveries', () => topics.every((topic) => back.received.includes(topic)))
  // PUBLISH with QoS 1, for a subscription that was there before: RETAIN is 0 [MQTT-3.3.1-9].
  expect(back.received[4]).toBe(0x32)
  back.end()
  await harness.stop()
  expect(await withSessions(folder.path, async ({ wills }) => [...wills.all()])).toEqual([])
})

test('a retained message queued for an offline session arrives without RETAIN [MQTT-3.3.1-9]', async () => {
  await using harness = await startHarness({ keys })
  const away = await harness.raw()
  away.send(connectAs('key:k1', 'away', false), subscribePacket(['pel/v1/+/status'], 1))
  await away.bytes(9)
  away.end()
  await waitUntil('the subscriber to be gone', () => harness.broker.stats().connections === 0)
  const meter = await harness.client('meter1')
  await meter.publishAsync('pel/v1/meter1/status', 'online', { qos: 1, retain: true })
  const back = await harness.raw()
  back.send(connectAs('key:k1', 'away', false))
  await waitUntil('the message', () => back.received.includes('online'))
  expect(back.received[4]).toBe(0x32)
})
