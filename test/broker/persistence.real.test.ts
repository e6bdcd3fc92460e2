import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Aedes } from 'aedes'
import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createSessionPersistence } from '../../broker/persistence.ts'
import { openSessions, temporaryFolder } from '../store/sessions/temporary.ts'

interface TestBroker {
  readonly port: number
  close(): Promise<void>
}

/** Aedes as it comes, on the sessions of the folder. */
async function startBroker(folder: string): Promise<TestBroker> {
  const sessions = await openSessions({ folder })
  const persistence = createSessionPersistence(sessions)
  const aedes = await Aedes.createBroker({
    persistence,
    authenticate: (client, _username, _password, done) => {
      persistence.sessionOf(client.id, client.clean).then(
        () => done(null, true),
        () => done(null, false),
      )
    },
  })
  const server = createServer(aedes.handle)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    server.close()
    await new Promise<void>((resolve) => aedes.close(resolve))
    await sessions.close()
  }
  onTestFinished(close)
  return { port: (server.address() as AddressInfo).port, close }
}

interface TestClient {
  readonly mqtt: MqttClient
  readonly received: IPublishPacket[]
}

async function connect(broker: TestBroker, options: IClientOptions): Promise<TestClient> {
  const client = mqtt.connect({ host: '127.0.0.1', port: broker.port, reconnectPeriod: 0, ...options })
  const received: IPublishPacket[] = []
  client.on('message', (_topic, _payload, packet) => received.push(packet))
  onTestFinished(async () => {
    await client.endAsync(true)
  })
  await new Promise<void>((resolve) => client.once('connect', () => resolve()))
  return { mqtt: client, received }
}

const texts = ({ received }: TestClient) => received.map(({ payload }) => String(payload))

describe('sessions under Aedes', () => {
  test('deliver after a restart what was published while the client was away, once and in the order of each QoS', async () => {
    const folder = await temporaryFolder()
    const first = await startBroker(folder)
    const away = await connect(first, { clientId: 'away', clean: false })
    await away.mqtt.subscribeAsync({ 'a/+': { qos: 2 }, 'a/#': { qos: 1 } })
    await away.mqtt.endAsync()
    const publisher = await connect(first, { clientId: 'publisher' })
    const sent = Array.from({ length: 60 }, (_, i) => `m${i}`)
    for (const [i, text] of sent.entries()) await publisher.mqtt.publishAsync('a/b', text, { qos: i % 2 === 0 ? 1 : 2 })
    await first.close()
    const second = await startBroker(folder)
    const back = await connect(second, { clientId: 'away', clean: false })
    await expect.poll(() => back.received.length).toBeGreaterThanOrEqual(sent.length)
    expect(texts(back).toSorted()).toEqual(sent.toSorted())
    // A QoS 2 message reaches the application with its PUBREL, so each QoS has its own order here.
    for (const parity of [0, 1]) {
      const ofParity = (list: readonly string[]) => list.filter((text) => Number(text.slice(1)) % 2 === parity)
      expect(ofParity(texts(back))).toEqual(ofParity(sent))
    }
    const marker = await connect(second, { clientId: 'marker' })
    await marker.mqtt.publishAsync('a/b', 'live', { qos: 1 })
    await expect.poll(() => texts(back).at(-1)).toBe('live')
    expect(back.received).toHaveLength(sent.length + 1)
  })

  test('have nothing left of a client that comes back clean', async () => {
    const broker = await startBroker(await temporaryFolder())
    const first = await connect(broker, { clientId: 'c', clean: false })
    await first.mqtt.subscribeAsync('a', { qos: 1 })
    await first.mqtt.endAsync()
    const publisher = await connect(broker, { clientId: 'publisher' })
    await publisher.mqtt.publishAsync('a', 'old', { qos: 1 })
    const clean = await connect(broker, { clientId: 'c', clean: true })
    await clean.mqtt.endAsync()
    const again = await connect(broker, { clientId: 'c', clean: false })
    await again.mqtt.subscribeAsync('a', { qos: 1 })
    await publisher.mqtt.publishAsync('a', 'new', { qos: 1 })
    await expect.poll(() => texts(again)).toEqual(['new'])
  })

  test('send again with DUP what was not acknowledged', async () => {
    const folder = await temporaryFolder()
    const first = await startBroker(folder)
    const silent = await connect(first, { clientId: 'c', clean: false })
    // Never calls back, so that no PUBACK is sent.
    silent.mqtt.handleMessage = () => {}
    await silent.mqtt.subscribeAsync('a', { qos: 1 })
    const publisher = await connect(first, { clientId: 'publisher' })
    await publisher.mqtt.publishAsync('a', 'm', { qos: 1 })
    await expect.poll(() => silent.received.length).toBe(1)
    expect(silent.received[0]?.dup).toBe(false)
    await silent.mqtt.endAsync(true)
    await first.close()
    const second = await startBroker(folder)
    const back = await connect(second, { clientId: 'c', clean: false })
    await expect.poll(() => back.received.length).toBe(1)
    expect(back.received[0]).toMatchObject({ dup: true, messageId: silent.received[0]?.messageId })
  })

  test('keep retained messages over a restart, on topics with empty levels too', async () => {
    const folder = await temporaryFolder()
    const first = await startBroker(folder)
    const publisher = await connect(first, { clientId: 'publisher' })
    for (const topic of ['a/b/', 'a/b', 'a/c/d'])
      await publisher.mqtt.publishAsync(topic, topic, { qos: 1, retain: true })
    await publisher.mqtt.publishAsync('a/b', '', { qos: 1, retain: true })
    await publisher.mqtt.endAsync()
    await first.close()
    const second = await startBroker(folder)
    const reader = await connect(second, { clientId: 'reader' })
    await reader.mqtt.subscribeAsync('a/b/+')
    await expect.poll(() => texts(reader)).toEqual(['a/b/'])
    expect(reader.received[0]?.retain).toBe(true)
    await reader.mqtt.subscribeAsync('a/#')
    await expect.poll(() => texts(reader).toSorted()).toEqual(['a/b/', 'a/b/', 'a/c/d'])
  })
})
