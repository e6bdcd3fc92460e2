import { expect, test } from 'vitest'
import { frameKind, parseDeviceId } from '../../model/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { startHarness } from './harness.ts'
import { connackAccepted, connectAs, connectPacket, field, publishPacket, subscribePacket } from './wire.ts'

test('of a device that was removed nothing is left for another of its id', async () => {
  await using harness = await startHarness({ devices: { meter1: {}, meter2: {} }, keys: { k1: 'all' } })
  for (const device of ['meter1', 'meter2']) {
    const client = await harness.client(device)
    for (const topic of [`pel/v1/${device}/info`, `pel/v1/${device}/status`, `panel/${device}/volt`])
      await client.publishAsync(topic, '1', { qos: 1, retain: true })
  }
  const session = await harness.raw()
  session.send(connectAs('meter1', 'stored', false), subscribePacket(['pel/v1/meter1/commands/+']))
  await session.bytes(9)
  // Flags: credentials, will with RETAIN and QoS 1, clean session.
  const will = [field('pel/v1/meter1/status'), field('offline')]
  const withWill = await harness.raw()
  withWill.send(
    connectPacket({ flags: 0xee, fields: [field('w'), ...will, field('meter1'), field('secret of meter1')] }),
  )
  await withWill.bytes(4)

  const device = harness.devices.get('meter1')
  harness.devices.delete('meter1')
  expect(harness.broker.disconnect('meter1')).toBe(3)
  await waitUntil('the ends of its connections in the log', async () => {
    const frames = await harness.frames(frameKind.presence)
    return frames.filter(({ topic }) => topic === 'disconnected').length === 3
  })
  harness.broker.forget(parseDeviceId('meter1'))
  harness.devices.set('meter1', device ?? {})

  const again = await harness.raw()
  again.send(connectAs('meter1', 'stored', false), publishPacket())
  expect((await again.bytes(8)).subarray(0, 4)).toEqual(connackAccepted)
  const reader = await harness.client('key:k1')
  const received: string[] = []
  reader.on('message', (topic) => received.push(topic))
  await reader.subscribeAsync(['pel/v1/+/info', 'pel/v1/+/status', 'panel/+/+'], { qos: 1 })
  await waitUntil('what the other device left', () => received.length >= 3)
  expect(received.toSorted()).toEqual(['panel/meter2/volt', 'pel/v1/meter2/info', 'pel/v1/meter2/status'])
  expect((await harness.messages()).map(({ payload }) => payload)).not.toContain('offline')
})
