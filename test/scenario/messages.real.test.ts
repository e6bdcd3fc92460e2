import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { waitUntil } from '../setup/wait.ts'
import { startPlatform } from './platform.ts'

const message = z.object({
  topic: z.string(),
  payloadBase64: z.string(),
  fate: z.string(),
  reason: z.string().nullable(),
})
const seen = z.object({ items: z.array(message) })

const told = ({ payloadBase64, fate, reason }: z.infer<typeof message>) =>
  `${Buffer.from(payloadBase64, 'base64')} ${fate} ${reason}`

test("a device's messages are watched as they arrive, with what became of them, and looked at later", async () => {
  await using platform = await startPlatform()
  const { client } = platform
  const { id, token } = await client.createDevice({ id: 'meter-1', profileId: 'meter-1ph' })
  const path = `/api/v1/devices/${id}/messages`
  const abort = new AbortController()
  const headers = { authorization: `Bearer ${platform.adminKey}` }
  const live = await fetch(`http://127.0.0.1:${platform.httpPort}${path}/live`, { headers, signal: abort.signal })
  let text = ''
  const following = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of live.body ?? []) text += decoder.decode(chunk, { stream: true })
  })().catch(() => {})

  const mqtt = await connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, { username: id, password: token })
  const topic = `pel/v1/${id}/telemetry`
  for (const payload of ['{"voltage":230}', 'volts: many']) await mqtt.publishAsync(topic, payload, { qos: 1 })
  await mqtt.endAsync()
  const expected = ['{"voltage":230} taken null', 'volts: many rejected not_json']
  const events = await waitUntil('both events', () => {
    const found = [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => message.parse(JSON.parse(data)))
    return found.length === 2 && found
  })
  expect(events.map(told)).toEqual(expected)
  abort.abort()
  await following
  const { items } = seen.parse(await (await client.request('GET', path)).json())
  expect(items.map(told)).toEqual(expected.toReversed())
})
