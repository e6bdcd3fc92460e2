import { readFileSync } from 'node:fs'
import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { describeWith } from '../setup/require-tool.ts'
import { runProgram } from '../setup/run-program.ts'
import { waitUntil } from '../setup/wait.ts'
import { startPlatform } from './platform.ts'
import type { PlatformClient } from './platform-client.ts'

const ofDevice = z.object({
  presence: z.object({ online: z.boolean(), lastSeen: z.string().nullable(), sessions: z.number() }),
})

async function presenceOf(client: PlatformClient) {
  const answer = await client.request('GET', '/api/v1/devices/meter')
  return ofDevice.parse(await answer.json()).presence
}

test('readings that are pushed over HTTP count as those over MQTT do, once each', async () => {
  await using platform = await startPlatform()
  const { client } = platform
  const gate = await client.createDevice({ id: 'gate', profileId: 'meter-1ph' })
  const meter = await client.createDevice({ id: 'meter', profileId: 'meter-1ph', gatewayId: 'gate' })
  const push = async (id: string, token: string, body: unknown) => {
    const response = await fetch(`http://127.0.0.1:${platform.httpPort}/api/v1/devices/${id}/telemetry`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    await response.text()
    return response.status
  }
  const nowMs = Date.now()
  const row = (n: number) => ({ ts: nowMs - 60_000 + n, values: { voltage: 220 + n } })

  const mqtt = await connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, { username: 'meter', password: meter.token })
  await mqtt.publishAsync('pel/v1/meter/telemetry', JSON.stringify(row(1)), { qos: 1 })
  await mqtt.endAsync()
  // The same reading over HTTP, by the device and by its gateway, and a backlog.
  expect(await push('meter', meter.token, row(1))).toBe(204)
  expect(await push('meter', gate.token, [row(1), row(2), row(3)])).toBe(204)
  expect(await push('gate', meter.token, row(1))).toBe(404)
  expect(await push('meter', meter.token, '{"voltage":')).toBe(400)

  await platform.kill()
  await platform.start()
  const stored = await waitUntil('the readings', async () => {
    const readings = await Array.fromAsync(client.readings('meter', 'voltage'))
    return readings.length >= 3 && readings
  })
  expect(stored.map(({ value }) => value)).toEqual([221, 222, 223])
  expect(await presenceOf(client)).toMatchObject({ online: false, lastSeen: expect.any(String) })
  const refused = await waitUntil('the refused one', async () => {
    const items = await client.rejected()
    return items.length > 0 && items
  })
  expect(refused).toMatchObject([
    { deviceId: 'meter', clientId: '', topic: 'pel/v1/meter/telemetry', reason: 'not_json' },
  ])
  expect(Buffer.from(refused[0]?.payloadBase64 ?? '', 'base64').toString()).toBe('{"voltage":')
})

test('a push tells nothing of connections: a meter behind a gateway stays as online as it was', async () => {
  await using platform = await startPlatform()
  const { client } = platform
  const gate = await client.createDevice({ id: 'gate', profileId: 'meter-1ph' })
  await client.createDevice({ id: 'meter', profileId: 'meter-1ph', gatewayId: 'gate' })
  const options = { username: 'gate', password: gate.token }
  const mqtt = await connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, options)
  await mqtt.publishAsync('pel/v1/meter/telemetry', '{"voltage":230}', { qos: 1 })
  const { lastSeen } = await waitUntil('it to be online', async () => {
    const now = await presenceOf(client)
    return now.online && now
  })
  expect((await client.request('POST', '/api/v1/devices/meter/telemetry', { voltage: 231 })).status).toBe(204)
  const seen = await waitUntil('it to be seen', async () => {
    const now = await presenceOf(client)
    return now.lastSeen !== lastSeen && now
  })
  expect(seen).toMatchObject({ online: true, sessions: 0 })
  await mqtt.endAsync()
})

const guide = readFileSync(new URL('../../docs/http-push.md', import.meta.url), 'utf8')
const blocks = [...guide.matchAll(/```sh\n(.+?)```/gs)].map(([, commands = '']) => commands)

describeWith(['curl'], 'the guide to HTTP push', () => {
  test('shows commands that all work', async () => {
    await using platform = await startPlatform()
    const { client } = platform
    const meter = await client.createDevice({ id: 'meter-1', profileId: 'meter-1ph' })
    const gateway = await client.createDevice({ id: 'gateway-1', profileId: 'meter-1ph' })
    await client.createDevice({ id: 'meter-2', profileId: 'meter-1ph', gatewayId: 'gateway-1' })
    const URL = `http://127.0.0.1:${platform.httpPort}`
    const env = { ...process.env, URL, TOKEN: meter.token, GATEWAY_TOKEN: gateway.token }
    expect(blocks.length).toBeGreaterThan(4)
    for (const commands of blocks) {
      const { code, output } = await runProgram('bash', ['-e', '-c', commands], { env })
      expect({ commands, code, output: code === 0 ? '' : output }).toEqual({ commands, code: 0, output: '' })
    }
    const latest = await waitUntil('the readings of the guide', async () => {
      const items = await client.latest(meter.id)
      return items.length === 3 && items
    })
    const values = Object.fromEntries(latest.map(({ metric, value }) => [metric, value]))
    expect(values).toEqual({ voltage: 229.8, power: 1250, frequency: 50.02 })
    expect((await client.latest('meter-2')).map(({ value }) => value)).toEqual([231.4])
  })
})
