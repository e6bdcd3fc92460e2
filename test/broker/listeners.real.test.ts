import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { connect as connectTls, type SecureVersion } from 'node:tls'
import mqtt, { type MqttClient } from 'mqtt'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { copyCertificate } from '../setup/certificates.ts'
import { startChild } from '../setup/child.ts'
import { describeWith, toolPath } from '../setup/require-tool.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'
import { waitUntil } from '../setup/wait.ts'
import { clientDefaults, passwordOf, rawClient, startHarness } from './harness.ts'
import { connectAs, disconnectPacket, publishPacket } from './wire.ts'

const telemetry = 'pel/v1/meter1/telemetry'
const small = (i: number) => `{"power":${i}}`
const large = 'x'.repeat(300_000)

/** All at once, without waiting for an ack between. */
async function publishBurst(client: MqttClient): Promise<string[]> {
  const payloads = [...Array.from({ length: 50 }, (_, i) => small(i)), large]
  payloads.push(...Array.from({ length: 50 }, (_, i) => small(50 + i)))
  await Promise.all(payloads.map((payload) => client.publishAsync(telemetry, payload, { qos: 1 })))
  return payloads
}

describe('TLS', () => {
  test('takes bursts of small and large messages in order', async () => {
    using folder = makeTempFolder('tls')
    await using harness = await startHarness({ config: { tlsPort: 0, tls: copyCertificate('one', folder.path) } })
    const port = harness.broker.ports().tls ?? 0
    const client = mqtt.connect(`mqtts://127.0.0.1:${port}`, { ...clientDefaults('meter1'), rejectUnauthorized: false })
    const payloads = await publishBurst(client)
    await client.endAsync()
    expect((await harness.messages()).map(({ payload }) => payload)).toEqual(payloads)
  })

  test('takes a burst in one write, whatever its records are', async () => {
    using folder = makeTempFolder('tls')
    await using harness = await startHarness({ config: { tlsPort: 0, tls: copyCertificate('one', folder.path) } })
    const socket = connectTls({ port: harness.broker.ports().tls ?? 0, host: '127.0.0.1', rejectUnauthorized: false })
    const client = rawClient(socket)
    await once(socket, 'secureConnect')
    const packets = Array.from({ length: 101 }, (_, i) =>
      publishPacket({ packetId: i + 1, payload: i === 50 ? large : small(i) }),
    )
    client.send(connectAs('meter1'), ...packets)
    expect(await client.bytes(4 + 101 * 4)).toHaveLength(408)
    client.end()
    expect(await harness.messages()).toHaveLength(101)
  })

  test('uses new certificate files after a reload, and keeps the old ones when they are broken', async () => {
    using folder = makeTempFolder('tls')
    const tls = copyCertificate('one', folder.path)
    await using harness = await startHarness({ config: { tlsPort: 0, tls } })
    const commonName = async () => {
      const socket = connectTls({ port: harness.broker.ports().tls ?? 0, host: '127.0.0.1', rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      const { CN } = socket.getPeerCertificate().subject
      socket.destroy()
      return CN
    }
    expect(await commonName()).toBe('one.test')
    copyCertificate('two', folder.path)
    await harness.broker.reloadTls()
    expect(await commonName()).toBe('two.test')
    writeFileSync(tls.keyFile, 'broken')
    await expect(harness.broker.reloadTls()).rejects.toThrow('tls files')
    expect(await commonName()).toBe('two.test')
  })

  describe('of old', () => {
    const handshakes: readonly (readonly [string, SecureVersion, string, string | null])[] = [
      ['TLS 1.1', 'TLSv1.1', 'DEFAULT:@SECLEVEL=0', null],
      ['TLS 1.2 without forward secrecy', 'TLSv1.2', 'AES256-GCM-SHA384:AES128-GCM-SHA256', null],
      ['TLS 1.2 with CBC', 'TLSv1.2', 'ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384', null],
      ['TLS 1.2 as microcontrollers have it', 'TLSv1.2', 'ECDHE-ECDSA-AES128-GCM-SHA256', 'TLSv1.2'],
      ['TLS 1.2 and 1.3', 'TLSv1.3', 'DEFAULT', 'TLSv1.3'],
    ]
    test.each(handshakes)('%s', async (_name, maxVersion, ciphers, spoken) => {
      using folder = makeTempFolder('tls')
      const tls = copyCertificate('one', folder.path)
      await using harness = await startHarness({ config: { tlsPort: 0, wssPort: 0, tls } })
      const { tls: mqtts, wss } = harness.broker.ports()
      for (const port of [mqtts, wss]) {
        const range = { minVersion: spoken === null ? maxVersion : 'TLSv1.2', maxVersion } as const
        const socket = connectTls({ port: port ?? 0, host: '127.0.0.1', rejectUnauthorized: false, ciphers, ...range })
        const done = once(socket, 'secureConnect').then(() => socket.getProtocol())
        expect(await done.catch(() => null)).toBe(spoken)
        socket.destroy()
      }
    })
  })

  test('does not start without its files, and says which', async () => {
    const tls = { keyFile: '/nowhere/key.pem', certFile: '/nowhere/cert.pem' }
    await expect(startHarness({ config: { tlsPort: 0, tls } })).rejects.toThrow('/nowhere/key.pem')
  })
})

describe('WebSocket', () => {
  const urlOf = (port: number | undefined, path = '/mqtt') => `ws://127.0.0.1:${port}${path}`

  test('takes bursts of small and large messages in order', async () => {
    await using harness = await startHarness({ config: { wsPort: 0 } })
    const client = mqtt.connect(urlOf(harness.broker.ports().ws), clientDefaults('meter1'))
    const payloads = await publishBurst(client)
    await client.endAsync()
    expect((await harness.messages()).map(({ payload }) => payload)).toEqual(payloads)
  })

  test('takes them over TLS too, by the same certificate', async () => {
    using folder = makeTempFolder('tls')
    const tls = copyCertificate('one', folder.path)
    await using harness = await startHarness({ config: { wssPort: 0, tls } })
    const url = urlOf(harness.broker.ports().wss).replace('ws:', 'wss:')
    const client = mqtt.connect(url, { ...clientDefaults('meter1'), rejectUnauthorized: false })
    const payloads = await publishBurst(client)
    await client.endAsync()
    expect((await harness.messages()).map(({ payload }) => payload)).toEqual(payloads)
    copyCertificate('two', folder.path)
    await harness.broker.reloadTls()
    const socket = connectTls({ port: harness.broker.ports().wss ?? 0, host: '127.0.0.1', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    expect(socket.getPeerCertificate().subject.CN).toBe('two.test')
    socket.destroy()
  })

  test('lets pages of its own host and of listed origins in, and no others', async () => {
    await using harness = await startHarness({
      config: { wsPort: 0, webSocketOrigins: ['https://console.example.com'] },
    })
    const url = urlOf(harness.broker.ports().ws)
    const opens = async (origin: string) => {
      const socket = new WebSocket(url, ['mqtt'], { origin })
      const outcome = once(socket, 'open').then(() => 'open')
      const said = await outcome.catch((error: unknown) => String(error))
      socket.terminate()
      return said
    }
    for (const origin of ['http://127.0.0.1:8080', 'https://127.0.0.1', 'https://console.example.com'])
      expect([origin, await opens(origin)]).toEqual([origin, 'open'])
    for (const origin of [
      'https://evil.example.com',
      'https://console.example.com.evil.com',
      'null',
      'http://127.0.0.1.evil.com',
    ])
      expect([origin, await opens(origin)]).toEqual([origin, expect.stringContaining('403')])
  })

  const refused: readonly (readonly [string, string, string[], string])[] = [
    ['on another path', '/other', ['mqtt'], '404'],
    ['without the subprotocol [MQTT-6.0.0-3]', '/mqtt', [], '400'],
    ['with another subprotocol', '/mqtt', ['chat'], '400'],
  ]
  test.each(refused)('%s is refused', async (_name, path, protocols, status) => {
    await using harness = await startHarness({ config: { wsPort: 0 } })
    const socket = new WebSocket(urlOf(harness.broker.ports().ws, path), protocols)
    const [error] = await once(socket, 'error').catch((thrown: unknown) => [thrown])
    expect(String(error)).toContain(status)
  })

  test('is closed when it sends text [MQTT-6.0.0-1]', async () => {
    await using harness = await startHarness({ config: { wsPort: 0 } })
    const socket = new WebSocket(urlOf(harness.broker.ports().ws), ['mqtt'])
    await once(socket, 'open')
    expect(socket.protocol).toBe('mqtt')
    socket.send(connectAs('meter1').toString('latin1'))
    await once(socket, 'close')
    expect(harness.broker.stats().ackedTotal).toBe(0)
  })
})

test('a port that is taken is an error that names it, and leaves nothing behind', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await expect(startHarness({ config: { port, wsPort: 0 } })).rejects.toThrow(`listen on 127.0.0.1:${port} failed`)
  taken.close()
})

test('stopping ends every connection, answers what was on its way, and can be repeated', async () => {
  const harness = await startHarness()
  const client = await harness.raw()
  client.send(connectAs('meter1'), ...Array.from({ length: 200 }, (_, i) => publishPacket({ packetId: i + 1 })))
  await client.bytes(8)
  await Promise.all([harness.broker.stop(), harness.broker.stop()])
  await client.untilClosed()
  const acked = (client.received.length - 4) / 4
  expect(acked).toBeLessThanOrEqual((await harness.messages()).length)
  await harness[Symbol.asyncDispose]()
})

test('thousands that connect at once are all answered', async () => {
  await using harness = await startHarness({ config: { connectionsPerPrincipal: 1_000 } })
  const clients = await Promise.all(Array.from({ length: 1_000 }, () => harness.raw()))
  for (const [i, client] of clients.entries()) client.send(connectAs('meter1', `c${i}`))
  await waitUntil('all CONNACKs', () => clients.every(({ received }) => received.length === 4))
  expect(harness.broker.stats().connections).toBe(1_000)
  for (const client of clients) client.send(disconnectPacket)
  await waitUntil('all to be gone', () => harness.broker.stats().connections === 0)
})

describeWith(['mosquitto_pub', 'mosquitto_sub'], "Mosquitto's clients", () => {
  test('publish with every QoS and receive what is retained', async () => {
    await using harness = await startHarness()
    const login = ['-h', '127.0.0.1', '-p', String(harness.port), '-u', 'meter1', '-P', passwordOf('meter1')]
    const run = async (tool: 'mosquitto_pub' | 'mosquitto_sub', ...args: string[]) => {
      const child = startChild(toolPath(tool), [...login, ...args])
      const { code } = await child.exited
      return { code, output: child.stdout().trim() }
    }
    for (const qos of ['0', '1', '2']) {
      const args = ['-t', 'pel/v1/meter1/info', '-r', '-q', qos, '-m', `of ${qos}`]
      expect(await run('mosquitto_pub', ...args)).toMatchObject({ code: 0 })
    }
    await waitUntil('all three', async () => (await harness.messages()).length === 3)
    const received = await run('mosquitto_sub', '-t', 'pel/v1/meter1/+', '-q', '1', '-C', '1', '-v')
    expect(received).toEqual({ code: 0, output: 'pel/v1/meter1/info of 2' })
  })
})
