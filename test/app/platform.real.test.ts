import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { pino } from 'pino'
import { afterAll, expect, test } from 'vitest'
import { loadConfig } from '../../app/config.ts'
import { type Platform, startPlatform } from '../../app/platform.ts'

const parent = mkdtempSync(join(tmpdir(), 'pelbiot-platform-'))
const running: Platform[] = []
afterAll(async () => {
  await Promise.all(running.map((platform) => platform.stop()))
  rmSync(parent, { recursive: true })
})

const key = 'an-admin-key-for-tests'

async function startOne(name: string): Promise<Platform> {
  const ports = { MQTT_PORT: '0', MQTT_WS_PORT: 'off', HTTP_PORT: '0', HOST: '127.0.0.1' }
  const env = { ...ports, DATA_DIR: join(parent, name), LOG_LEVEL: 'silent', BOOTSTRAP_ADMIN_KEY: key }
  const platform = await startPlatform(loadConfig(env, '/nonexistent/.env'), {
    version: 'test',
    logger: pino({ level: 'silent' }),
    onFailure: (error) => {
      throw error
    },
  })
  running.push(platform)
  return platform
}

async function call<T>({ httpPort }: Platform, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/api/v1${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  expect(response.status, path).toBeLessThan(300)
  return (await response.json()) as T
}

async function report(platform: Platform, value: number): Promise<void> {
  const { token } = await call<{ token: string }>(platform, '/devices', { id: 'meter-1', profileId: 'meter-1ph' })
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, {
    username: 'meter-1',
    password: token,
  })
  await client.publishAsync('pel/v1/meter-1/telemetry', JSON.stringify({ voltage: value }), { qos: 1 })
  await client.endAsync()
}

interface Latest {
  readonly items: readonly { readonly metric: string; readonly value: number }[]
}

test('two platforms in one process keep to themselves, and stop twice without harm', async () => {
  const [one, two] = await Promise.all([startOne('one'), startOne('two')])
  await Promise.all([report(one, 221), report(two, 232)])
  const voltage = async (platform: Platform) =>
    (await call<Latest>(platform, '/devices/meter-1/latest')).items.find(({ metric }) => metric === 'voltage')?.value
  await expect.poll(() => voltage(one)).toBe(221)
  await expect.poll(() => voltage(two)).toBe(232)
  await one.stop()
  await one.stop()
  expect(await voltage(two)).toBe(232)
})

test('a platform that cannot start leaves nothing behind, and the folder free', async () => {
  const env = { DATA_DIR: join(parent, 'three'), MQTT_WS_PORT: 'off', HTTP_PORT: '0', LOG_LEVEL: 'silent' }
  const loaded = loadConfig({ ...env, MQTT_PORT: '0' }, '/none')
  // Files that have gone since the settings were read.
  const tls = { certFile: '/nonexistent', keyFile: '/nonexistent' }
  const config = { ...loaded, broker: { ...loaded.broker, tlsPort: 0, tls } }
  const deps = { version: 'test', logger: pino({ level: 'silent' }), onFailure: () => undefined }
  await expect(startPlatform(config, deps)).rejects.toThrow(/nonexistent/)
  await expect(startPlatform(config, deps)).rejects.toThrow(/nonexistent/)
})
