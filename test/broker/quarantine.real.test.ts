import { expect, test } from 'vitest'
import { frameKind } from '../../model/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { startHarness } from './harness.ts'
import { connackAccepted, connectAs, connectPacket, field, puback, publishPacket } from './wire.ts'

const notAuthorized = Buffer.from([0x20, 2, 0, 5])

test('a device in quarantine does not get in, with the right password only is it told, and its attempts are listed', async () => {
  await using harness = await startHarness({ devices: { meter1: { quarantined: true }, meter2: {} } })
  const [right, wrong, other] = [await harness.raw(), await harness.raw(), await harness.raw()]
  right.send(connectAs('meter1', 'roof'), publishPacket())
  expect(await right.untilClosed()).toEqual(notAuthorized)
  wrong.send(connectPacket({ fields: [field('roof'), field('meter1'), field('guess')] }))
  expect(await wrong.untilClosed()).toEqual(Buffer.from([0x20, 2, 0, 4]))
  other.send(connectAs('meter2'), publishPacket({ topic: 'pel/v1/meter2/telemetry' }))
  expect(await other.bytes(8)).toEqual(Buffer.concat([connackAccepted, puback(1)]))
  const refusals = await waitUntil('the attempt', async () => {
    const frames = await harness.frames(frameKind.refusal)
    return frames.length > 0 && frames
  })
  const attempt = { principal: 'meter1', clientId: 'roof', topic: '', payload: 'quarantined\x00127.0.0.1' }
  expect(refusals).toMatchObject([attempt])
  expect(harness.broker.connectionsOf('meter1')).toEqual([])
})

test('what a gateway sends for a device in quarantine is acknowledged and goes to nobody, and the rest goes on', async () => {
  const devices = { gate: {}, sick: { gateway: 'gate', quarantined: true }, well: { gateway: 'gate' } }
  await using harness = await startHarness({ devices, keys: { k1: 'all' } })
  const listener = await harness.client('key:k1')
  const received: string[] = []
  listener.on('message', (topic, payload) => received.push(`${topic} ${payload}`))
  await listener.subscribeAsync('pel/v1/#', { qos: 2 })
  const gate = await harness.client('gate')
  for (const qos of [0, 1, 2] as const)
    for (const device of ['sick', 'well'])
      await gate.publishAsync(`pel/v1/${device}/status`, String(qos), { qos, retain: true })
  await waitUntil('those of the other device', () => received.length >= 3)
  expect(received).toEqual(['0', '1', '2'].map((payload) => `pel/v1/well/status ${payload}`))
  expect((await harness.messages()).map(({ topic, payload }) => `${topic} ${payload}`)).toHaveLength(6)

  harness.devices.set('sick', { gateway: 'gate' })
  const later = await harness.client('key:k1', { clientId: 'later' })
  const retained: string[] = []
  later.on('message', (topic) => retained.push(topic))
  await later.subscribeAsync('pel/v1/+/status', { qos: 1 })
  await waitUntil('the retained one', () => retained.length > 0)
  expect(retained).toEqual(['pel/v1/well/status'])
})

test('the will of a device that is cut off by its quarantine says that it is gone', async () => {
  await using harness = await startHarness({ keys: { k1: 'all' } })
  const listener = await harness.client('key:k1')
  const received: string[] = []
  listener.on('message', (topic, payload) => received.push(`${topic} ${payload}`))
  await listener.subscribeAsync('pel/v1/#', { qos: 1 })
  const will = { topic: 'pel/v1/meter1/status', payload: Buffer.from('offline'), qos: 1, retain: true } as const
  await harness.client('meter1', { will })
  harness.devices.set('meter1', { quarantined: true })
  harness.broker.disconnect('meter1')
  await waitUntil('the will', () => received.length > 0)
  expect(received).toEqual(['pel/v1/meter1/status offline'])
})
