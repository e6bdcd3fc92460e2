import { fileURLToPath } from 'node:url'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../setup/wait.ts'
import { type Platform, startPlatform } from './platform.ts'

const certificate = (part: string) => fileURLToPath(new URL(`../broker/certificates/one-${part}.pem`, import.meta.url))

let platform: Platform
beforeAll(async () => {
  const env = { MQTTS_PORT: '0', TLS_CERT_FILE: certificate('cert'), TLS_KEY_FILE: certificate('key') }
  platform = await startPlatform({ env })
})
afterAll(() => platform?.[Symbol.asyncDispose]())

// Read when a test runs: the ports are known by then.
const urlOf = {
  TCP: () => `mqtt://127.0.0.1:${platform.mqttPort}`,
  TLS: () => `mqtts://127.0.0.1:${platform.ready['mqttsPort']}`,
  WebSocket: () => `ws://127.0.0.1:${platform.ready['mqttWsPort']}/mqtt`,
} as const

const largeBytes = 300_000
const startMs = Date.now() - 3_600_000

/** Fifty small messages, a large one, fifty small ones, without waiting for an acknowledgement between them. */
function publishBurst(client: MqttClient, id: string): Promise<unknown>[] {
  const small = (i: number) => JSON.stringify({ ts: startMs + i, values: { power: i } })
  const large = small(50).padEnd(largeBytes, ' ')
  return Array.from({ length: 101 }, (_, i) =>
    client.publishAsync(`pel/v1/${id}/telemetry`, i === 50 ? large : small(i), { qos: i % 3 === 0 ? 2 : 1 }),
  )
}

test.each(Object.keys(urlOf) as (keyof typeof urlOf)[])(
  '%s: a burst with 300 KB in the middle is acknowledged and stored, every message of it',
  async (transport) => {
    const { client: api } = platform
    const { id, token } = await api.createDevice({ id: `meter-${transport}`, profileId: 'meter-1ph' })
    const mqtt = await connectAsync(urlOf[transport](), {
      clientId: id,
      username: id,
      password: token,
      rejectUnauthorized: false,
      reconnectPeriod: 0,
    })
    await Promise.all(publishBurst(mqtt, id))
    await mqtt.endAsync()
    const stored = await waitUntil('the burst', async () => {
      const items = await Array.fromAsync(api.readings(id, 'power'))
      return items.length >= 101 && items
    })
    expect(stored.map(({ value }) => value)).toEqual(Array.from({ length: 101 }, (_, i) => i))
  },
)
