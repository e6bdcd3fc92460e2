import { once } from 'node:events'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { copyCertificate } from '../setup/certificates.ts'
import { runProgram } from '../setup/run-program.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'
import { waitUntil } from '../setup/wait.ts'
import { startPlatform } from './platform.ts'

const cli = fileURLToPath(new URL('../../app/pelbiot.js', import.meta.url))

async function nameAt(port: unknown): Promise<string> {
  const socket = connect({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { CN } = socket.getPeerCertificate().subject
  socket.destroy()
  return String(CN)
}

test('a platform that speaks TLS only serves the command line, and changes its certificate without a restart', async () => {
  using folder = makeTempFolder('tls')
  const files = copyCertificate('one', folder.path)
  const tls = { TLS_CERT_FILE: files.certFile, TLS_KEY_FILE: files.keyFile, MQTTS_PORT: '0' }
  await using platform = await startPlatform({ env: { ...tls, HTTP_PORT: 'off', MQTT_PORT: 'off' } })
  const { mqttsPort, httpsPort, httpPort, mqttPort } = platform.ready
  expect([httpPort, mqttPort]).toEqual([undefined, undefined])

  const addDevice = async (id: string) => {
    const env = { ...process.env, DATA_DIR: platform.dataDir }
    const args = [cli, 'device', 'add', id, '--profile', 'meter-1ph', '--json']
    const { code, stdout, output } = await runProgram(process.execPath, args, { env, cwd: folder.path })
    expect([code, output]).toEqual([0, expect.any(String)])
    return JSON.parse(stdout) as { token: string }
  }
  const { token } = await addDevice('meter-1')
  const mqtt = await connectAsync(`mqtts://127.0.0.1:${mqttsPort}`, {
    username: 'meter-1',
    password: token,
    rejectUnauthorized: false,
    reconnectPeriod: 0,
  })

  copyCertificate('two', folder.path)
  process.kill(platform.pid, 'SIGHUP')
  await waitUntil('the new certificate', async () => (await nameAt(httpsPort)) === 'two.test')
  expect(await nameAt(mqttsPort)).toBe('two.test')
  await mqtt.publishAsync('pel/v1/meter-1/telemetry', '{"voltage":230}', { qos: 1 })
  expect(mqtt.connected).toBe(true)
  await mqtt.endAsync()
  await addDevice('meter-2')
  expect(platform.log()).toContain('tls certificate changed')
})
