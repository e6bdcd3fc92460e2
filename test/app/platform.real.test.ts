import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type IClientOptions } from 'mqtt'
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

const key = 'an-admin-key-for-tests-of-32-characters-and-more'

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

test('what a deleted device had retained is not that of another with its id', async () => {
  const platform = await startOne('four')
  const device = { id: 'meter-5', profileId: 'meter-1ph' }
  const connect = (password: string, options: IClientOptions = {}) =>
    mqtt.connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, { username: device.id, password, ...options })
  const topics = { info: 'pel/v1/meter-5/info', status: 'pel/v1/meter-5/status' }
  const { token } = await call<{ token: string }>(platform, '/devices', device)
  const will = { topic: topics.status, payload: Buffer.from('offline'), qos: 1, retain: true } as const
  const first = await connect(token, { reconnectPeriod: 0, will })
  await first.publishAsync(topics.info, '{"firmware":"1"}', { qos: 1, retain: true })
  const closed = new Promise<void>((resolve) => first.once('close', () => resolve()))
  const url = `http://127.0.0.1:${platform.httpPort}/api/v1/devices/meter-5`
  const deleted = await fetch(url, { method: 'DELETE', headers: { authorization: `Bearer ${key}` } })
  expect(deleted.status).toBe(204)
  await closed

  const again = await call<{ token: string }>(platform, '/devices', device)
  const second = await connect(again.token)
  const received: string[] = []
  second.on('message', (topic) => received.push(topic))
  await second.subscribeAsync('pel/v1/meter-5/#', { qos: 1 })
  // The retained messages come before what is published after the subscription.
  await second.publishAsync('pel/v1/meter-5/telemetry', '{"voltage":230}', { qos: 1 })
  await expect.poll(() => received.at(-1)).toBe('pel/v1/meter-5/telemetry')
  expect(received).toEqual(['pel/v1/meter-5/telemetry'])
  await second.endAsync()
})

test('a meter behind a gateway is online with what the gateway sends for it', async () => {
  const platform = await startOne('five')
  const profileId = 'meter-1ph'
  const { token } = await call<{ token: string }>(platform, '/devices', { id: 'gateway-1', profileId })
  await call(platform, '/devices', { id: 'meter-2', profileId, gatewayId: 'gateway-1' })
  const online = async () =>
    (await call<{ presence: { online: boolean } }>(platform, '/devices/meter-2')).presence.online
  const credentials = { username: 'gateway-1', password: token }
  const gateway = await mqtt.connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, credentials)
  expect(await online()).toBe(false)
  await gateway.publishAsync('pel/v1/meter-2/status', 'online', { qos: 1, retain: true })
  await expect.poll(online).toBe(true)
  await gateway.publishAsync('pel/v1/meter-2/status', 'offline', { qos: 1, retain: true })
  await expect.poll(online).toBe(false)
  await gateway.publishAsync('pel/v1/meter-2/telemetry', '{"voltage":230}', { qos: 1 })
  await expect.poll(online).toBe(true)
  await gateway.endAsync()
  await expect.poll(online).toBe(false)
})
