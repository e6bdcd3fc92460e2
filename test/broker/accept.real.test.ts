import { expect, test } from 'vitest'
import { frameKind } from '../../model/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { startHarness } from './harness.ts'
import { connackAccepted, connectAs, puback, publishPacket } from './wire.ts'

test('acknowledges what is in the log, in the order in which it came', async () => {
  await using harness = await startHarness()
  const client = await harness.raw()
  client.send(
    connectAs('meter1', 'c1'),
    ...[1, 2, 3].map((packetId) => publishPacket({ packetId, payload: `${packetId}` })),
  )
  const received = await client.bytes(4 + 3 * 4)
  expect(received).toEqual(Buffer.concat([connackAccepted, puback(1), puback(2), puback(3)]))
  const frames = await harness.messages()
  expect(frames.map(({ payload, packetId, flags }) => [payload, packetId, flags])).toEqual([
    ['1', 1, 1],
    ['2', 2, 1],
    ['3', 3, 1],
  ])
  expect(frames[0]).toMatchObject({ principal: 'meter1', clientId: 'c1', topic: 'pel/v1/meter1/telemetry' })
})

test('tells the log who came and went, and why', async () => {
  await using harness = await startHarness()
  const client = await harness.raw()
  client.send(connectAs('meter1', 'c1'))
  await client.bytes(4)
  client.end()
  await waitUntil('both presence frames', async () => (await harness.frames(frameKind.presence)).length === 3)
  const frames = await harness.frames(frameKind.presence)
  expect(frames.map(({ topic, principal, payload }) => [topic, principal, payload])).toEqual([
    ['broker-started', '', ''],
    ['connected', 'meter1', ''],
    ['disconnected', 'meter1', 'connection lost'],
  ])
})
