import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { memoryMb } from '../../bench/process-stats.ts'
import { waitUntil } from '../setup/wait.ts'
import { type Platform, startPlatform } from './platform.ts'

const readings = 1_000_000
const perMessage = 2_000
const stepMs = 1_000
const beginMs = Math.floor(Date.now() / 1_000) * 1_000 - readings * stepMs - 3_600_000
/** The whole text has 40 MB; what is held of it is some hundred kilobytes. */
const mostMb = 100

test('a million readings leave as CSV in little memory, each once, and a client may leave half-way', async () => {
  await using platform = await startPlatform({ env: { LOG_LEVEL: 'warn' } })
  await load(platform)
  const path = '/api/v1/readings?series=meter-1/power&from=0'

  const half = await open(platform, path)
  const reader = half.body?.getReader()
  await reader?.read()
  await reader?.cancel()

  const before = memoryMb(platform.pid).rssAnon
  let most = before
  const watch = setInterval(() => {
    most = Math.max(most, memoryMb(platform.pid).rssAnon)
  }, 20)
  const whole = await open(platform, path)
  let lines = 0
  let rest = ''
  let inOrder = true
  const decoder = new TextDecoder()
  for await (const chunk of whole.body ?? []) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\r\n')
    rest = parts.pop() ?? ''
    for (const line of parts) {
      if (lines > 0) inOrder &&= line.split(',')[3] === String((lines - 1) % 4_000)
      lines++
    }
  }
  clearInterval(watch)
  expect({ lines, inOrder, rest }).toEqual({ lines: readings + 1, inOrder: true, rest: '' })
  expect(most - before).toBeLessThan(mostMb)
  // The one that was left has made room: two may run.
  const both = await Promise.all([open(platform, path), open(platform, path)])
  expect(both.map(({ status }) => status)).toEqual([200, 200])
  await Promise.all(both.map(({ body }) => body?.cancel()))
}, 180_000)

function open(platform: Platform, path: string): Promise<Response> {
  const headers = { accept: 'text/csv', authorization: `Bearer ${platform.adminKey}` }
  return fetch(`http://127.0.0.1:${platform.httpPort}${path}`, { headers })
}

async function load({ client, mqttPort }: Platform): Promise<void> {
  const { id, token } = await client.createDevice({ id: 'meter-1', profileId: 'meter-1ph' })
  const mqtt = await connectAsync(`mqtt://127.0.0.1:${mqttPort}`, { username: id, password: token })
  for (let from = 0; from < readings; from += perMessage) {
    const message = Array.from({ length: perMessage }, (_, i) => ({
      ts: beginMs + (from + i) * stepMs,
      values: { power: (from + i) % 4_000 },
    }))
    await mqtt.publishAsync(`pel/v1/${id}/telemetry`, JSON.stringify(message), { qos: 1 })
  }
  await mqtt.endAsync()
  const stored = async () => {
    const { ingest, log } = await client.status()
    return ingest.position === log.durable
  }
  await waitUntil('all of it to be stored', stored, { timeoutMs: 120_000, everyMs: 100 })
}
