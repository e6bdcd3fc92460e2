import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { runProgram } from '../setup/run-program.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'
import { waitUntil } from '../setup/wait.ts'
import { createPlatform, startPlatform } from './platform.ts'

const cli = join(resolve(dirname(fileURLToPath(import.meta.url)), '..', '..'), 'app', 'pelbiot.js')

test('what was acknowledged is there after a graceful stop, and so are devices and keys', async () => {
  await using platform = await startPlatform()
  const { client } = platform
  const { id, token } = await client.createDevice({ id: 'meter-1', profileId: 'meter-1ph' })
  const connectDevice = () =>
    connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, { username: id, password: token, reconnectPeriod: 0 })
  const mqtt = await connectDevice()
  const closed = new Promise<void>((done) => mqtt.once('close', () => done()))
  const startMs = Date.now() - 60_000
  const published = Array.from({ length: 200 }, (_, i) => {
    const payload = JSON.stringify({ ts: startMs + i, values: { voltage: 230 } })
    return mqtt.publishAsync(`pel/v1/${id}/telemetry`, payload, { qos: 1 })
  })
  await Promise.all(published)
  expect(await platform.stop()).toEqual({ code: 0, signal: null })
  await closed

  await platform.start()
  await waitUntil('all readings', async () => (await Array.fromAsync(client.readings(id, 'voltage'))).length === 200)
  await (await connectDevice()).endAsync()
})

test('a second platform on the same data folder is refused, and the first goes on', async () => {
  await using first = await startPlatform()
  await using second = createPlatform({ dataDir: first.dataDir })
  await expect(second.start()).rejects.toThrow(/ended with [1-9]/)
  expect(second.log()).toContain(first.dataDir)
  expect((await first.client.status()).readings.readings).toBe(0)
})

test('wrong settings are told all at once, with exit code 2, before anything is opened', async () => {
  using folder = makeTempFolder('settings')
  const { code, output } = await runProgram(process.execPath, [cli, 'start'], {
    cwd: folder.path,
    env: {
      PATH: process.env['PATH'] ?? '',
      MQTT_PORT: 'none',
      HTTP_PORT: '70000',
      LOG_LEVEL: 'loud',
      DATA_DIR: join(folder.path, 'data'),
    },
  })
  expect(code).toBe(2)
  for (const name of ['MQTT_PORT', 'HTTP_PORT', 'LOG_LEVEL']) expect(output).toContain(name)
})

test('simulated devices run against it', async () => {
  await using platform = await startPlatform()
  const { adminKey, httpPort, mqttPort } = platform
  const { code, stdout, output } = await runProgram(process.execPath, [
    cli,
    'simulate',
    ...['--url', `http://127.0.0.1:${httpPort}`, '--mqtt', `mqtt://127.0.0.1:${mqttPort}`, '--key', adminKey],
    ...['--devices', '5', '--rate', '50', '--duration', '2s', '--profile', 'meter-3ph', '--prefix', 'sim', '--json'],
  ])
  expect(code, output).toBe(0)
  const summary = JSON.parse(stdout.split('\n').at(-1) ?? '')
  expect(summary).toMatchObject({ devices: 5, unacked: 0, skipped: 0 })
  expect(summary.acked).toBeGreaterThan(0)
  const metrics = 16
  await waitUntil('all its readings', async () => {
    return (await platform.client.status()).readings.readings === summary.acked * metrics
  })
})
