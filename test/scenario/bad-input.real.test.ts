import { connect } from 'node:net'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitUntil } from '../setup/wait.ts'
import { type Platform, startPlatform } from './platform.ts'

let platform: Platform
let device: { readonly id: string; readonly token: string }
beforeAll(async () => {
  platform = await startPlatform()
  device = await platform.client.createDevice({ id: 'meter-1', profileId: 'meter-1ph' })
})
afterAll(() => platform?.[Symbol.asyncDispose]())

const connectDevice = (): Promise<MqttClient> =>
  connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, {
    username: device.id,
    password: device.token,
    reconnectPeriod: 0,
  })

describe('a message that cannot be used', () => {
  const aheadMs = 25 * 3_600_000
  const lateMs = 40 * 24 * 3_600_000
  test.each([
    ['not JSON', 'not_json', () => 'volts: many'],
    ['a string for a number', 'wrong_type', () => '{"voltage":"high"}'],
    ['a shape that is none of ours', 'wrong_shape', () => '17'],
    ['a clock a day ahead', 'clock_ahead', () => `{"ts":${Date.now() + aheadMs},"values":{"voltage":230}}`],
    ['a time behind the late horizon', 'too_old', () => `{"ts":${Date.now() - lateMs},"values":{"voltage":230}}`],
    ['a metric name that is none', 'bad_metric_name', () => '{"no spaces, please":1}'],
  ])(
    '%s: is acknowledged, listed as %s with its payload, and a good one beside it is stored',
    async (_, reason, make) => {
      const { client } = platform
      const payload = make()
      const before = await Array.fromAsync(client.readings(device.id, 'current'))
      const mqtt = await connectDevice()
      const topic = `pel/v1/${device.id}/telemetry`
      await Promise.all([
        mqtt.publishAsync(topic, payload, { qos: 1 }),
        mqtt.publishAsync(topic, '{"current":12.5}', { qos: 1 }),
      ])
      await mqtt.endAsync()
      const entry = await waitUntil(`a ${reason} entry`, async () =>
        (await client.rejected()).find((item) => item.reason === reason),
      )
      expect(entry).toMatchObject({ deviceId: device.id, topic })
      expect(Buffer.from(entry.payloadBase64, 'base64').toString()).toBe(payload)
      await waitUntil('the good reading', async () => {
        return (await Array.fromAsync(client.readings(device.id, 'current'))).length > before.length
      })
    },
  )

  test("on someone else's topic: closes the connection and is listed", async () => {
    const { client } = platform
    await client.createDevice({ id: 'meter-2', profileId: 'meter-1ph' })
    const mqtt = await connectDevice()
    const closed = new Promise<void>((resolve) => mqtt.once('close', () => resolve()))
    mqtt.publish('pel/v1/meter-2/telemetry', '{"voltage":1}', { qos: 1 }, () => {})
    await closed
    const topic = 'pel/v1/meter-2/telemetry'
    const entry = await waitUntil('the entry', async () =>
      (await client.rejected()).find((item) => item.topic === topic),
    )
    expect(entry.reason).toBe('forbidden_topic')
    expect(await Array.fromAsync(client.readings('meter-2', 'voltage'))).toEqual([])
  })
})

describe('a connection that is refused', () => {
  test.each([
    ['a wrong token', () => ({ username: device.id, password: 'wrong' })],
    ['an unknown device', () => ({ username: 'nobody', password: device.token })],
    ['no credentials', () => ({})],
  ])('%s: gets a CONNACK that says so', async (_, credentials) => {
    const url = `mqtt://127.0.0.1:${platform.mqttPort}`
    const refused = connectAsync(url, { ...credentials(), reconnectPeriod: 0 })
    await expect(refused).rejects.toThrow(/not authorized|bad user/i)
  })

  test.each([
    ['bytes that are no MQTT', 'GET / HTTP/1.1\r\n\r\n'],
    ['a PUBLISH before CONNECT', Buffer.from('300500016131', 'hex')],
    ['a remaining length of five bytes', Buffer.from('10ffffffff7f', 'hex')],
  ])('%s: is closed, and the platform goes on', async (_, bytes) => {
    const socket = connect(platform.mqttPort, '127.0.0.1')
    socket.on('error', () => {})
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.end(bytes)
    socket.resume()
    await closed
    const mqtt = await connectDevice()
    await mqtt.publishAsync(`pel/v1/${device.id}/telemetry`, '{"voltage":230}', { qos: 1 })
    await mqtt.endAsync()
  })
})

describe('an HTTP request that is wrong', () => {
  test.each([
    ['GET', '/api/v1/devices/nobody', undefined, 404],
    [
      'GET',
      '/api/v1/devices/meter-1/readings?metric=voltage&from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z',
      undefined,
      400,
    ],
    ['GET', '/api/v1/devices/meter-1/readings?metric=voltage&from=0&to=1&cursor=forged', undefined, 400],
    ['GET', '/api/v1/devices/meter-1/readings?metric=voltage&from=0&to=1&limit=10001', undefined, 400],
    ['POST', '/api/v1/devices', { id: 'no spaces', profileId: 'meter-1ph' }, 422],
    ['POST', '/api/v1/devices', { id: 'meter-9', profileId: 'no-such' }, undefined],
    ['POST', '/api/v1/devices', { id: 'meter-1', profileId: 'meter-1ph' }, 409],
    ['GET', '/api/v1/nothing', undefined, 404],
  ])('%s %s %j: is answered with problem details', async (method, path, body, status) => {
    const response = await platform.client.request(method, path, body)
    if (status === undefined) expect(Math.floor(response.status / 100)).toBe(4)
    else expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toContain('application/problem+json')
    expect(JSON.parse(await response.text())).toMatchObject({ status: response.status, title: expect.any(String) })
  })

  test('without a key, or with a wrong one: 401', async () => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }]) {
      const response = await fetch(`http://127.0.0.1:${platform.httpPort}/api/v1/devices`, { headers })
      expect(response.status).toBe(401)
    }
  })
})

test('after all of that the platform still runs', () => {
  expect(platform.running).toBe(true)
})
