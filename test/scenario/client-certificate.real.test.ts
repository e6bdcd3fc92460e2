import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { connectAsync, type IClientOptions } from 'mqtt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { connectPacket, field } from '../broker/wire.ts'
import { copyCertificate } from '../setup/certificates.ts'
import { makeTempFolder, type TempFolder } from '../setup/temp-folder.ts'
import { waitUntil } from '../setup/wait.ts'
import { type Platform, startPlatform } from './platform.ts'

const fileOf = (name: string) => fileURLToPath(new URL(`../broker/certificates/${name}.pem`, import.meta.url))
const pair = (name: 'meter1' | 'stranger') => ({
  cert: readFileSync(fileOf(`${name}-cert`)),
  key: readFileSync(fileOf(`${name}-key`)),
})

let folder: TempFolder
let platform: Platform
let token: string
beforeAll(async () => {
  folder = makeTempFolder('client-certificate')
  const { certFile, keyFile } = copyCertificate('one', folder.path)
  const tls = {
    TLS_CERT_FILE: certFile,
    TLS_KEY_FILE: keyFile,
    MQTTS_PORT: '0',
    HTTPS_PORT: 'off',
    MQTT_WSS_PORT: 'off',
  }
  platform = await startPlatform({ env: { ...tls, MQTT_CLIENT_CA_FILE: fileOf('devices-ca') } })
  token = (await platform.client.createDevice({ id: 'meter1', profileId: 'meter-1ph' })).token
  await platform.client.createDevice({ id: 'meter2', profileId: 'meter-1ph' })
})
afterAll(async () => {
  await platform?.[Symbol.asyncDispose]()
  folder?.remove()
})

const open = (options: IClientOptions) =>
  connectAsync(`mqtts://127.0.0.1:${platform.ready['mqttsPort']}`, {
    rejectUnauthorized: false,
    reconnectPeriod: 0,
    ...options,
  })

describe('a device that shows a certificate', () => {
  test('is who the certificate names, with its user name or without', async () => {
    for (const username of [undefined, 'meter1']) {
      const mqtt = await open({ ...pair('meter1'), ...(username && { username }) })
      await mqtt.publishAsync('pel/v1/meter1/telemetry', '{"voltage":230}', { qos: 1 })
      await mqtt.endAsync()
    }
  })

  test('is nobody else, and may do no more', async () => {
    await expect(open({ ...pair('meter1'), username: 'meter2' })).rejects.toThrow(/not authorized|bad user/i)
    const mqtt = await open(pair('meter1'))
    const closed = new Promise<void>((resolve) => mqtt.once('close', () => resolve()))
    mqtt.publish('pel/v1/meter2/telemetry', '{"voltage":1}', { qos: 1 }, () => {})
    await closed
  })

  test('is not let in with a certificate of another authority, even with the right token', async () => {
    const fields = [field('c'), field('meter1'), field(token)]
    expect(await answerTo(pair('stranger'), connectPacket({ fields }))).toEqual(Buffer.alloc(0))
    expect(await answerTo({}, connectPacket({ fields }))).toEqual(Buffer.from([0x20, 2, 0, 0]))
  })

  test('needs one, or a token; a wrong token is wrong whatever comes with it', async () => {
    await expect(open({})).rejects.toThrow(/not authorized|bad user/i)
    await expect(open({ username: 'meter1' })).rejects.toThrow(/not authorized|bad user/i)
    const wrong = `pel_dev_${'x'.repeat(43)}`
    await expect(open({ ...pair('meter1'), username: 'meter1', password: wrong })).rejects.toThrow(
      /authorized|bad user/i,
    )
    await (await open({ username: 'meter1', password: token })).endAsync()
  })

  test('is cut off when it is revoked, also in a TLS session that is taken up again, and when it is quarantined', async () => {
    const { request } = platform.client
    const mqtt = await open(pair('meter1'))
    const connections = z.object({ items: z.array(z.object({ certificate: z.string().nullable() })) })
    const { items } = connections.parse(await (await request('GET', '/api/v1/devices/meter1/connections')).json())
    const fingerprint = items[0]?.certificate
    expect(fingerprint).toMatch(/^3de73f593e4a71f4/)
    const session = await tlsSession()
    const path = '/api/v1/devices/meter1/revoked-certificates'
    expect((await request('POST', path, { fingerprint })).status).toBe(201)
    await waitUntil('it to be cut off', () => !mqtt.connected)
    for (const more of [{}, { session }])
      await expect(open({ ...pair('meter1'), ...more })).rejects.toThrow(/not authorized|bad user/i)
    expect((await request('DELETE', `${path}/${fingerprint}`)).status).toBe(204)
    await (await open(pair('meter1'))).endAsync()

    await request('POST', '/api/v1/devices/meter1/quarantine', { reason: 'test' })
    await expect(open(pair('meter1'))).rejects.toThrow(/not authorized/i)
    await request('DELETE', '/api/v1/devices/meter1/quarantine')
  })
})

/** What comes back, until it is closed or says something. */
async function answerTo(shown: { readonly cert?: Buffer; readonly key?: Buffer }, bytes: Uint8Array): Promise<Buffer> {
  const socket = connect({
    port: Number(platform.ready['mqttsPort']),
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ...shown,
  })
  socket.on('error', () => {})
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => {
    chunks.push(chunk)
    socket.destroy()
  })
  socket.write(bytes)
  await once(socket, 'close')
  return Buffer.concat(chunks)
}

async function tlsSession(): Promise<Buffer> {
  const port = Number(platform.ready['mqttsPort'])
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...pair('meter1') })
  const [session] = await once(socket, 'session')
  socket.destroy()
  return session
}
