import { describe, expect, test } from 'vitest'
import { frameKind } from '../../model/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { startHarness } from './harness.ts'
import {
  cleanFlag,
  connackAccepted,
  connectAs,
  connectPacket,
  credentialFlags,
  field,
  puback,
  publishPacket,
} from './wire.ts'

const tooMany = Buffer.from([0x20, 2, 0, 3])
const fleet = { meter1: {}, meter2: {} }

describe('the connections of a device', () => {
  test('are told apart, and say what they are', async () => {
    await using harness = await startHarness({ devices: fleet, clock: { now: () => 1_000 } })
    const [one, two, other] = [await harness.raw(), await harness.raw(), await harness.raw()]
    one.send(connectAs('meter1', 'a'))
    await one.bytes(4)
    const fields = [field('b'), field('meter1'), field('secret of meter1')]
    two.send(connectPacket({ name: 'MQIsdp', level: 3, flags: credentialFlags, keepAliveS: 7, fields }))
    other.send(connectAs('meter2', 'a'))
    await Promise.all([two.bytes(4), other.bytes(4)])
    const views = harness.broker.connectionsOf('meter1')
    const common = { address: '127.0.0.1', sinceMs: 1_000, transport: 'tcp', secretId: 'secret-of-meter1' }
    expect(views).toEqual([
      { ...common, id: 1, clientId: 'a', protocol: '3.1.1', cleanSession: true, keepAliveS: 60 },
      { ...common, id: 2, clientId: 'b', protocol: '3.1', cleanSession: false, keepAliveS: 7 },
    ])
    expect(harness.broker.connectionsOf('nobody')).toEqual([])
  })

  test('are ended one by one', async () => {
    await using harness = await startHarness({ devices: fleet })
    const [one, two] = [await harness.raw(), await harness.raw()]
    one.send(connectAs('meter1', 'a'))
    two.send(connectAs('meter1', 'b'))
    await Promise.all([one.bytes(4), two.bytes(4)])
    const [first] = harness.broker.connectionsOf('meter1')
    expect(harness.broker.disconnect('meter2', first?.id)).toBe(0)
    expect(harness.broker.disconnect('meter1', first?.id)).toBe(1)
    await one.untilClosed()
    expect(harness.broker.connectionsOf('meter1').map(({ clientId }) => clientId)).toEqual(['b'])
    two.send(publishPacket())
    expect(await two.bytes(8)).toEqual(Buffer.concat([connackAccepted, puback(1)]))
  })

  test('are bounded; one that comes back takes its own place', async () => {
    await using harness = await startHarness({ devices: fleet, config: { connectionsPerPrincipal: 2 } })
    const connect = async (name: string, clientId: string) => {
      const client = await harness.raw()
      client.send(connectAs(name, clientId))
      return { client, answer: await client.bytes(4) }
    }
    for (const clientId of ['a', 'b']) expect((await connect('meter1', clientId)).answer).toEqual(connackAccepted)
    expect((await connect('meter1', 'c')).answer).toEqual(tooMany)
    expect((await connect('meter2', 'c')).answer).toEqual(connackAccepted)
    expect((await connect('meter1', 'b')).answer).toEqual(connackAccepted)
    const connected = await waitUntil('the older b to be gone', () => {
      const views = harness.broker.connectionsOf('meter1')
      return views.length === 2 && views
    })
    expect(connected.map(({ clientId }) => clientId)).toEqual(['a', 'b'])
  })

  test('are bounded also when they all come in one moment', async () => {
    await using harness = await startHarness({ config: { connectionsPerPrincipal: 5 } })
    const clients = await Promise.all(Array.from({ length: 40 }, () => harness.raw()))
    for (const [i, client] of clients.entries()) client.send(connectAs('meter1', `c${i}`, i % 2 === 0))
    const answers = await Promise.all(clients.map((client) => client.bytes(4)))
    expect(answers.filter((answer) => answer.equals(connackAccepted))).toHaveLength(5)
    expect(harness.broker.connectionsOf('meter1')).toHaveLength(5)
  })
})

describe('a secret that ends', () => {
  test('takes along the connections that were opened by it, and no others', async () => {
    let nowMs = 1_000
    await using harness = await startHarness({ devices: fleet, clock: { now: () => nowMs } })
    const connect = async (name: string, clientId: string) => {
      const client = await harness.raw()
      client.send(connectAs(name, clientId))
      await client.bytes(4)
      return client
    }
    const [one, two] = [await connect('meter1', 'a'), await connect('meter2', 'a')]
    const end = (principal: string, endsMs: number) =>
      harness.broker.endSecrets({ principal, ends: [{ secretId: `secret-of-${principal}`, endsMs }] })
    harness.broker.endSecrets({ principal: 'meter2', ends: [{ secretId: 'another', endsMs: 0 }] })
    end('meter2', 2_000)
    end('meter1', 1_000)
    await one.untilClosed()
    expect(two.closed).toBe(false)
    nowMs = 2_000
    await two.untilClosed()
    const ends = await waitUntil('both ends in the log', async () => {
      const frames = (await harness.frames(frameKind.presence)).filter(({ topic }) => topic === 'disconnected')
      return frames.length === 2 && frames
    })
    expect(ends.map(({ principal, payload }) => `${principal} ${payload}`)).toEqual([
      'meter1 credentials revoked',
      'meter2 credentials expired',
    ])
  })

  test('ends who is just being let in by it', async () => {
    let release: (() => void) | undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    await using harness = await startHarness({ identified: () => held })
    const client = await harness.raw()
    client.send(connectAs('meter1'))
    await waitUntil('the CONNECT to be looked at', () => harness.broker.stats().receivedBytesTotal > 0)
    harness.broker.endSecrets({ principal: 'meter1', ends: [{ secretId: 'secret-of-meter1', endsMs: 0 }] })
    release?.()
    expect(await client.untilClosed()).toEqual(Buffer.alloc(0))
  })
})

test('a client that only claims to be a device leaves its connections alone', async () => {
  await using harness = await startHarness({ devices: fleet })
  const one = await harness.raw()
  one.send(connectAs('meter1', 'a'))
  await one.bytes(4)
  const stranger = await harness.raw()
  stranger.send(
    connectPacket({ flags: credentialFlags | cleanFlag, fields: [field('a'), field('meter1'), field('?')] }),
  )
  await stranger.untilClosed()
  expect(harness.broker.connectionsOf('meter1')).toHaveLength(1)
  expect(one.closed).toBe(false)
})
