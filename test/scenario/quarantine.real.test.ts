import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { waitUntil } from '../setup/wait.ts'
import { startPlatform } from './platform.ts'

test('a device in quarantine is cut off at once, stays out over a restart, and comes back when it is released', async () => {
  await using platform = await startPlatform()
  const { client } = platform
  const gate = await client.createDevice({ id: 'gate', profileId: 'meter-1ph' })
  const sick = await client.createDevice({ id: 'sick', profileId: 'meter-1ph', gatewayId: 'gate' })
  const connect = ({ id: username, token: password }: typeof gate) =>
    connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, { username, password, reconnectPeriod: 0 })
  const path = '/api/v1/devices/sick/quarantine'
  const topic = 'pel/v1/sick/telemetry'
  const rows = [1, 2, 3, 4].map((n) => ({ ts: Date.now() - 60_000 + n, values: { voltage: 220 + n } }))
  const payloads = rows.map((row) => JSON.stringify(row))
  const publish = async (mqtt: Awaited<ReturnType<typeof connect>>, n: number) =>
    mqtt.publishAsync(topic, payloads[n] ?? '', { qos: 1 })

  const own = await connect(sick)
  await publish(own, 0)
  expect((await client.request('POST', path, { reason: 'It floods' })).status).toBe(200)
  await waitUntil('it to be cut off', () => !own.connected)
  await expect(connect(sick)).rejects.toThrow(/not authorized/i)
  // Its gateway is not punished for it.
  const gateway = await connect(gate)
  await publish(gateway, 1)

  await platform.kill()
  await platform.start()
  await expect(connect(sick)).rejects.toThrow(/not authorized/i)
  const again = await connect(gate)
  await publish(again, 2)
  const tried = await waitUntil('what it tried', async () => {
    const items = (await client.rejected()).filter(({ reason }) => reason === 'quarantined')
    return items.length >= 4 && items
  })
  expect(tried.map(({ deviceId, topic: about }) => `${deviceId} ${about}`).toSorted()).toEqual([
    'sick ',
    'sick ',
    `sick ${topic}`,
    `sick ${topic}`,
  ])

  expect((await client.request('DELETE', path)).status).toBe(204)
  await publish(await connect(sick), 3)
  const stored = await waitUntil('both good readings', async () => {
    const readings = await Array.fromAsync(client.readings('sick', 'voltage'))
    return readings.length >= 2 && readings
  })
  expect(stored.map(({ value }) => value)).toEqual([221, 224])
})
