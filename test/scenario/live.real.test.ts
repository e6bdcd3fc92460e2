import { readFileSync } from 'node:fs'
import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { type EventName, eventsIn, type LiveEvent } from '../api/live-events.ts'
import { describeWith } from '../setup/require-tool.ts'
import { runProgram } from '../setup/run-program.ts'
import { waitUntil } from '../setup/wait.ts'
import { type Platform, startPlatform } from './platform.ts'

/** Follows the stream and comes back when it breaks, as a browser does. */
function follow(platform: Platform, query: string) {
  const closing = new AbortController()
  /** Its whole events, over all breaks. */
  let told = ''
  let id: string | undefined
  let breaks = 0

  async function once(): Promise<void> {
    const headers = { authorization: `Bearer ${platform.adminKey}`, ...(id !== undefined && { 'last-event-id': id }) }
    const url = `http://127.0.0.1:${platform.httpPort}/api/v1/live?${query}`
    const { body } = await fetch(url, { headers, signal: closing.signal })
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        take(text.slice(0, end))
        text = text.slice(end + 2)
      }
    }
  }

  function take(block: string): void {
    const fields = new Map(
      block.split('\n').map((line) => [line.split(': ', 1)[0], line.slice(line.indexOf(': ') + 2)]),
    )
    id = fields.get('id') ?? id
    if (fields.has('event')) told += `${block}\n\n`
  }

  const running = (async () => {
    while (!closing.signal.aborted) {
      await once().catch(() => {})
      breaks++
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  return {
    events: <Name extends EventName>(name: Name): readonly LiveEvent<Name>[] => eventsIn(told, name),
    get breaks() {
      return breaks
    },
    async stop() {
      closing.abort()
      await running
    },
  }
}

test('no step of an alert is lost or told twice while the platform is killed and started again', {
  timeout: 240_000,
}, async () => {
  await using platform = await startPlatform()
  const { client } = platform
  await client.createDevice({ id: 'meter', profileId: 'meter-1ph' })
  const rule = {
    id: 'high',
    name: 'High',
    appliesTo: { device: 'meter' },
    condition: { metric: 'voltage', op: '>', levels: [{ severity: 'warning', value: 240, clear: 235 }] },
  }
  expect((await client.request('POST', '/api/v1/rules', rule)).status).toBe(201)
  for (const { id } of await client.rules()) if (id !== 'high') await client.enableRule(id, false)
  const stream = follow(platform, 'kinds=alerts')
  await waitUntil('it to begin', () => stream.events('ready').length > 0)

  const startMs = Date.now() - 3_600_000
  let sent = 0
  const push = async () => {
    const voltage = sent % 2 === 0 ? 250 : 230
    const reading = { ts: startMs + sent * 1_000, values: { voltage } }
    const { status } = await client.request('POST', '/api/v1/devices/meter/telemetry', reading)
    expect(status).toBe(204)
    sent++
  }
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 5; i++) await push()
    if (round % 2 === 0) await waitUntil('some of it', () => stream.events('alert').length > 0)
    await platform.kill()
    await platform.start()
  }
  await waitUntil('every step', () => stream.events('alert').length >= sent, { timeoutMs: 60_000 })
  const steps = stream.events('alert').map(({ data }) => data.step)
  expect(stream.breaks).toBeGreaterThanOrEqual(4)
  expect(steps.map(({ id }) => id)).toEqual([...new Set(steps.map(({ id }) => id))].toSorted((a, b) => a - b))
  expect(steps.map(({ kind }) => kind)).toEqual(Array.from({ length: sent }, (_, i) => (i % 2 ? 'resolved' : 'firing')))
  expect(stream.events('reset')).toEqual([])
  await stream.stop()
})

test('values, presence and rejected messages are told as they come', async () => {
  await using platform = await startPlatform()
  const { client } = platform
  const meter = await client.createDevice({ id: 'meter', profileId: 'meter-1ph' })
  const stream = follow(platform, 'device=meter')
  await waitUntil('it to begin', () => stream.events('ready').length > 0)
  const options = { username: 'meter', password: meter.token }
  const mqtt = await connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, options)
  const online = () => stream.events('presence').flatMap(({ data }) => data.items)
  await waitUntil('it to be online', () => online().length > 0)
  await mqtt.publishAsync('pel/v1/meter/telemetry', '{"voltage":231.5,"power":1200}', { qos: 1 })
  const values = () => stream.events('values').flatMap(({ data }) => data.items)
  await waitUntil('its values', () => values().length >= 2)
  await mqtt.publishAsync('pel/v1/meter/telemetry', 'no JSON', { qos: 1 })
  await waitUntil('the rejected one', () => stream.events('rejected').length > 0)
  await mqtt.endAsync()
  await waitUntil('it to be offline', () => online().length > 1)

  expect(values()).toEqual([
    { deviceId: 'meter', metric: 'voltage', time: expect.any(String), value: 231.5, quality: 'good' },
    { deviceId: 'meter', metric: 'power', time: expect.any(String), value: 1_200, quality: 'good' },
  ])
  expect(online().map((item) => item.online)).toEqual([true, false])
  expect(stream.events('rejected').map(({ data }) => [data.deviceId, data.reason])).toEqual([['meter', 'not_json']])
  expect(stream.breaks).toBe(0)
  await stream.stop()
})

const guide = readFileSync(new URL('../../docs/live.md', import.meta.url), 'utf8')
const blocks = [...guide.matchAll(/```sh\n(.+?)```/gs)].map(([, commands = '']) => commands)

describeWith(['curl'], 'the guide to live streams', () => {
  test('shows commands that all work', async () => {
    await using platform = await startPlatform()
    await platform.client.createDevice({ id: 'meter-1', profileId: 'meter-1ph' })
    await platform.client.request('POST', '/api/v1/devices/meter-1/telemetry', { voltage: 229.8 })
    const env = { ...process.env, URL: `http://127.0.0.1:${platform.httpPort}`, KEY: platform.adminKey }
    const outputs: string[] = []
    for (const commands of blocks) {
      const { code, output, stdout } = await runProgram('bash', ['-e', '-c', commands], { env })
      expect({ commands, code, output: code === 0 ? '' : output }).toEqual({ commands, code: 0, output: '' })
      outputs.push(stdout)
    }
    expect(outputs[0]).toMatch(/event: values\nid: \S+\ndata: .*"deviceId":"meter-1","metric":"voltage".*229\.8/)
    expect(outputs[1]).toContain('event: ready')
    expect(outputs[1]).not.toContain('event: reset')
  })
})
