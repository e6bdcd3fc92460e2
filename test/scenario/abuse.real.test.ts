import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { connectPacket, field, packet, publishPacket, subscribePacket } from '../broker/wire.ts'
import { waitUntil } from '../setup/wait.ts'
import { type Platform, startPlatform } from './platform.ts'

/** A device that misbehaves, while others go on. What counts is that these are acknowledged and stored, whole. */

let platform: Platform
let bad: { readonly id: string; readonly token: string }
let others: readonly Well[]
beforeAll(async () => {
  platform = await startPlatform({ env: { MQTT_MAX_CONNECTIONS: '300' } })
  bad = await platform.client.createDevice({ id: 'bad', profileId: 'meter-1ph' })
  others = await Promise.all(['well-1', 'well-2', 'well-3'].map(createWell))
})
afterAll(async () => {
  for (const other of others ?? []) await other.end()
  await platform?.[Symbol.asyncDispose]()
})

interface Well {
  /** Publishes a reading; resolves when it is acknowledged. */
  publish(): Promise<void>
  readonly acked: number
  readonly id: string
  end(): Promise<void>
}

async function createWell(id: string): Promise<Well> {
  const { token } = await platform.client.createDevice({ id, profileId: 'meter-1ph' })
  const mqtt = await connect(id, token)
  const startMs = Date.now() - 3_600_000
  let sent = 0
  let acked = 0
  return {
    id,
    get acked() {
      return acked
    },
    async publish() {
      const ts = startMs + sent++
      await mqtt.publishAsync(`pel/v1/${id}/telemetry`, JSON.stringify({ ts, values: { voltage: 230 } }), { qos: 1 })
      acked++
    },
    end: () => mqtt.endAsync(),
  }
}

function connect(username: string, password: string, clientId = `${username}-client`): Promise<MqttClient> {
  return connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, { username, password, clientId, reconnectPeriod: 0 })
}

/** Runs what is bad, and meanwhile has each of the others acknowledged a hundred messages. */
async function meanwhile(abuse: () => Promise<void>): Promise<void> {
  const before = others.map(({ acked }) => acked)
  await Promise.all([
    abuse(),
    ...others.map(async (other) => {
      for (let i = 0; i < 100; i++) await other.publish()
    }),
  ])
  for (const [i, { acked }] of others.entries()) expect(acked - (before[i] ?? 0)).toBeGreaterThanOrEqual(100)
}

const connectBytes = (clientId: string, { id, token } = bad) =>
  connectPacket({ fields: [field(clientId), field(id), field(token)] })

async function raw(...bytes: readonly Uint8Array[]): Promise<Socket> {
  const socket = connectTcp(platform.mqttPort, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(Buffer.concat(bytes))
  return socket
}

const bytesOf = async (socket: Socket): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const accepted = Buffer.from([0x20, 2, 0, 0])

describe('the others go on while a device', () => {
  test('publishes for another device', () =>
    meanwhile(async () => {
      for (let i = 0; i < 50; i++) {
        const socket = await raw(connectBytes(`c${i}`), publishPacket({ topic: 'pel/v1/well-1/telemetry' }))
        expect(await bytesOf(socket)).toEqual(accepted)
      }
      const listed = await waitUntil('the list', async () => {
        const items = (await platform.client.rejected()).filter(({ reason }) => reason === 'forbidden_topic')
        return items.length > 0 && items
      })
      expect(listed[0]).toMatchObject({ deviceId: 'bad', topic: 'pel/v1/well-1/telemetry' })
    }))

  test("subscribes to everything, and to another device's topics", () =>
    meanwhile(async () => {
      const filters = ['#', 'pel/v1/#', '+/+/+/+', 'pel/v1/well-1/#', 'pel/v1/+/telemetry', '$SYS/#', 'pel/v1/bad/#']
      const socket = await raw(connectBytes('listener'), subscribePacket(filters, 9))
      const received: Buffer[] = []
      socket.on('data', (chunk) => received.push(chunk))
      // The last one is its own.
      const suback = packet(
        0x90,
        Buffer.from([0, 9]),
        Buffer.from(filters.map((_, i) => (i < filters.length - 1 ? 0x80 : 1))),
      )
      await waitUntil('SUBACK', () => Buffer.concat(received).length >= 4 + suback.length)
      for (const other of others) await other.publish()
      expect(Buffer.concat(received).subarray(4)).toEqual(suback)
      socket.destroy()
    }))

  test('floods', () =>
    meanwhile(async () => {
      const burst = Array.from({ length: 20_000 }, (_, i) =>
        publishPacket({ topic: 'pel/v1/bad/telemetry', payload: '{"voltage":1}', packetId: (i % 60_000) + 1 }),
      )
      const socket = await raw(connectBytes('flood'), ...burst)
      let bytes = 0
      socket.on('data', (chunk) => {
        bytes += chunk.length
      })
      await waitUntil('all of its acks', () => bytes === 4 + burst.length * 4)
      socket.destroy()
    }))

  test('sends 10 MB in one message', () =>
    meanwhile(async () => {
      const large = publishPacket({ topic: 'pel/v1/bad/telemetry', payload: Buffer.alloc(10 * 1024 * 1024, 0x20) })
      for (let i = 0; i < 5; i++) expect(await bytesOf(await raw(connectBytes('large'), large))).toEqual(accepted)
      await waitUntil('the list', async () =>
        (await platform.client.rejected()).some(({ reason }) => reason === 'payload_too_large'),
      )
    }))

  test('opens a thousand connections', () =>
    meanwhile(async () => {
      const sockets: Socket[] = []
      const answers: Buffer[] = []
      for (let i = 0; i < 1_000; i++) {
        const socket = await raw(connectBytes(`c${i}`))
        socket.once('data', (answer) => answers.push(answer))
        sockets.push(socket)
      }
      await waitUntil('all answers', () => answers.length === 1_000)
      expect(answers.filter((answer) => answer.equals(accepted))).toHaveLength(100)
      const connections = z.object({ items: z.array(z.unknown()) })
      const listed = await platform.client.request('GET', '/api/v1/devices/bad/connections')
      const { items } = connections.parse(await listed.json())
      expect(items).toHaveLength(100)
      // A new one of the others gets in.
      const { token } = await platform.client.createDevice({ id: 'newcomer', profileId: 'meter-1ph' })
      await (await connect('newcomer', token)).endAsync()
      for (const socket of sockets) socket.destroy()
    }))

  test("takes another device's client identifier", () =>
    meanwhile(async () => {
      for (const { id } of others) await (await connect(bad.id, bad.token, `${id}-client`)).endAsync()
    }))

  test('guesses passwords, also under the names of the others', async () => {
    const [first] = others
    if (first === undefined) throw new Error('there are others')
    await meanwhile(async () => {
      const sockets: Socket[] = []
      const answers: string[] = []
      for (let i = 0; i < 200; i++) {
        const token = `pel_dev_${String(i).padStart(43, 'x')}`
        const socket = await raw(connectBytes('guess', { id: i % 2 === 0 ? first.id : 'nobody', token }))
        socket.once('data', (answer) => answers.push(answer.toString('hex')))
        sockets.push(socket)
      }
      // Five of each name are told at once, twenty wait for it, and the others are not looked at.
      await waitUntil('those that are answered at once', () => answers.length >= 160)
      expect(answers.filter((answer) => answer === '20020004').length).toBeLessThanOrEqual(10 + 40)
      expect(answers.filter((answer) => answer === '20020000')).toEqual([])
      for (const socket of sockets) socket.destroy()
    })
    expect(platform.log()).toContain('mqtt login failed')
    const status = z.object({ broker: z.object({ throttledLoginsTotal: z.number() }) })
    const { broker } = status.parse(await (await platform.client.request('GET', '/api/v1/status')).json())
    expect(broker.throttledLoginsTotal).toBeGreaterThanOrEqual(100)
    // Who is connected stays, and other names come in from the very same address.
    await first.publish()
    await (await connect(bad.id, bad.token)).endAsync()
  })

  test('opens connections and says nothing, or half of something', () =>
    meanwhile(async () => {
      const halves = [
        Buffer.alloc(0),
        connectBytes('half').subarray(0, 10),
        Buffer.from([0x10]),
        Buffer.from([0x10, 0xff]),
      ]
      const sockets: Socket[] = []
      for (let i = 0; i < 250; i++) sockets.push(await raw(halves[i % halves.length] ?? Buffer.alloc(0)))
      const started = await raw(
        connectBytes('started'),
        publishPacket({ topic: 'pel/v1/bad/telemetry' }).subarray(0, 9),
      )
      await once(started, 'data')
      await (await connect(bad.id, bad.token, 'between')).endAsync()
      for (const socket of [...sockets, started]) socket.destroy()
    }))
})

test('after all of that each of the others has exactly what was acknowledged', async () => {
  for (const { id, acked } of others) {
    const stored = await waitUntil(`the readings of ${id}`, async () => {
      const readings = await Array.fromAsync(platform.client.readings(id, 'voltage'))
      return readings.length >= acked && readings
    })
    expect(stored).toHaveLength(acked)
  }
  expect(platform.running).toBe(true)
})
