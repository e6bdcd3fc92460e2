import { expect, test } from 'vitest'
import { frameKind } from '../../model/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { startHarness } from './harness.ts'
import { connackAccepted, connectAs } from './wire.ts'

test('a connection ends when its key or token expires, and others stay', async () => {
  let nowMs = 1_000
  await using harness = await startHarness({
    devices: { meter1: {}, meter2: {} },
    keys: { ending: 'all', lasting: 'all' },
    expiresMs: { 'key:ending': 2_000, meter1: 2_000, meter2: 2_001 },
    clock: { now: () => nowMs },
  })
  const connect = async (name: string) => {
    const client = await harness.raw()
    client.send(connectAs(name))
    expect(await client.bytes(4)).toEqual(connackAccepted)
    return client
  }
  const ending = [await connect('key:ending'), await connect('meter1')]
  const staying = [await connect('key:lasting'), await connect('meter2')]
  nowMs = 2_000
  await Promise.all(ending.map((client) => client.untilClosed()))
  expect(staying.map(({ closed }) => closed)).toEqual([false, false])
  const ends = await waitUntil('both ends in the log', async () => {
    const frames = (await harness.frames(frameKind.presence)).filter(({ topic }) => topic === 'disconnected')
    return frames.length === 2 && frames
  })
  expect(ends.map(({ principal, payload }) => `${principal} ${payload}`).toSorted()).toEqual([
    'key:ending credentials expired',
    'meter1 credentials expired',
  ])
})
