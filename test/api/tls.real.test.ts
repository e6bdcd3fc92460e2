import { once } from 'node:events'
import { Agent, get } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect, type SecureVersion, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { certificatePair } from '../setup/certificates.ts'
import { type Harness, startApi } from './harness.ts'

let api: Harness
let port: number
beforeAll(async () => {
  api = await startApi({ tlsPort: 0 }, { tls: certificatePair('one') })
  port = api.api.ports().tls ?? 0
})
afterAll(() => api.stop())

async function ask(path: string, agent = new Agent({ rejectUnauthorized: false })) {
  const request = get({ port, path, agent, host: '127.0.0.1', rejectUnauthorized: false })
  const [response] = await once(request, 'response')
  return { status: response.statusCode, headers: response.headers, body: await text(response) }
}

async function handshake(options: { maxVersion?: SecureVersion; minVersion?: SecureVersion } = {}): Promise<TLSSocket> {
  const ciphers = 'DEFAULT:@SECLEVEL=0'
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ciphers, ...options })
  await once(socket, 'secureConnect')
  return socket
}

const nameOf = (socket: TLSSocket) => socket.getPeerCertificate().subject.CN

describe('HTTPS', () => {
  test('answers what HTTP answers, and says that it is to stay so', async () => {
    const { status, headers, body } = await ask('/livez')
    expect([status, body]).toEqual([200, '{"live":true}'])
    expect(headers['strict-transport-security']).toBe('max-age=31536000')
    expect((await api.get('/livez')).headers.has('strict-transport-security')).toBe(false)
  })

  test.each(['TLSv1', 'TLSv1.1'] as const)('refuses %s', async (version) => {
    await expect(handshake({ minVersion: version, maxVersion: version })).rejects.toThrow(/protocol version/)
  })

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('speaks %s', async (version) => {
    const socket = await handshake({ minVersion: version, maxVersion: version })
    expect(socket.getProtocol()).toBe(version)
    socket.destroy()
  })

  test.each([
    ['without forward secrecy', 'AES256-GCM-SHA384:AES128-GCM-SHA256'],
    ['with CBC', 'ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384'],
  ])('refuses TLS 1.2 %s', async (_, ciphers) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2', ciphers })
    await expect(once(socket, 'secureConnect')).rejects.toThrow(/handshake failure/)
  })

  test('closes a connection that speaks something else, and goes on', async () => {
    const socket = connectTcp(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(socket.resume(), 'close')
    expect((await ask('/livez')).status).toBe(200)
    expect(api.logged).toEqual([])
  })

  test('uses another certificate for new connections while those that are open stay', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false })
    const localPort = async () => {
      const request = get({ port, path: '/livez', agent, host: '127.0.0.1' })
      const [response] = await once(request, 'response')
      const { localPort } = response.socket
      await text(response)
      return localPort
    }
    const before = await localPort()
    api.api.useTls(certificatePair('two'))
    const fresh = await handshake()
    expect(nameOf(fresh)).toBe('two.test')
    fresh.destroy()
    expect(await localPort()).toBe(before)
    agent.destroy()
  })

  test('tells in the metrics how long its certificate is good for', async () => {
    const seconds = Number(
      /^pelbiot_tls_certificate_expiry_seconds (\S+)$/m.exec((await api.get('/metrics')).body)?.[1],
    )
    const years = seconds / 86_400 / 365
    expect(years).toBeGreaterThan(90)
    expect(years).toBeLessThan(101)
  })

  test('does not start without a certificate', async () => {
    await expect(startApi({ tlsPort: 0 })).rejects.toThrow('no certificate')
  })
})
