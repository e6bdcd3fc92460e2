import { connectAsync } from 'mqtt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startChild } from '../setup/child.ts'
import { describeWith, toolPath } from '../setup/require-tool.ts'
import { runProgram } from '../setup/run-program.ts'
import { waitUntil } from '../setup/wait.ts'
import { type Platform, startPlatform } from './platform.ts'

let platform: Platform
beforeAll(async () => {
  platform = await startPlatform()
})
afterAll(() => platform?.[Symbol.asyncDispose]())

const bodyOf = async (response: Response) => JSON.parse(await response.text())

test('a newcomer registers a meter, publishes, and reads the reading back', async () => {
  const { client } = platform
  const { id, token } = await client.createDevice({ id: 'meter-1', profileId: 'meter-1ph' })
  const mqtt = await connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, { username: id, password: token })
  const timeMs = Date.now() - 60_000
  const payload = { ts: timeMs, values: { voltage: 229.8, power: 1250, energy: 4711.25 } }
  await mqtt.publishAsync(`pel/v1/${id}/telemetry`, JSON.stringify(payload), { qos: 1 })
  await mqtt.endAsync()

  const latest = await waitUntil('the readings', async () => {
    const items = await client.latest(id)
    return items.length === 3 && items
  })
  const time = new Date(timeMs).toISOString()
  const shown = latest.map(({ metric, value, unit, quality }) => ({ metric, value, unit, quality }))
  expect(shown).toHaveLength(3)
  expect(shown).toEqual(
    expect.arrayContaining([
      { metric: 'voltage', value: 229.8, unit: 'V', quality: 'good' },
      { metric: 'power', value: 1250, unit: 'W', quality: 'good' },
      { metric: 'energy', value: 4711.25, unit: 'kWh', quality: 'good' },
    ]),
  )
  expect(latest.map((item) => Date.parse(item.time))).toEqual([timeMs, timeMs, timeMs])

  // The store follows within moments of the memory that answers `latest`.
  const stored = await waitUntil('the stored reading', async () => {
    const items = await Array.fromAsync(client.readings(id, 'voltage'))
    return items.length > 0 && items
  })
  expect(stored.map((item) => ({ ...item, time: new Date(item.time).toISOString() }))).toEqual([
    { time, value: 229.8, quality: 'good' },
  ])
})

test('readings come in pages, and in buckets', async () => {
  const { client } = platform
  const { id, token } = await client.createDevice({ id: 'meter-pages', profileId: 'meter-1ph' })
  const mqtt = await connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, { username: id, password: token })
  const hourMs = 3_600_000
  const fromMs = Math.floor(Date.now() / hourMs) * hourMs - 3 * hourMs
  const samples = Array.from({ length: 120 }, (_, i) => ({ ts: fromMs + i * 60_000, values: { power: i } }))
  await mqtt.publishAsync(`pel/v1/${id}/telemetry`, JSON.stringify(samples), { qos: 1 })
  await mqtt.endAsync()
  await waitUntil('the backlog', async () => (await Array.fromAsync(client.readings(id, 'power'))).length === 120)

  const path = `/api/v1/devices/${id}/readings`
  const seen: number[] = []
  let cursor = ''
  let pages = 0
  do {
    const range = `metric=power&from=${fromMs}&to=${fromMs + 2 * hourMs}&limit=50`
    const page = await bodyOf(await client.request('GET', `${path}?${range}${cursor && `&cursor=${cursor}`}`))
    seen.push(...page.items.map(({ value }: { value: number }) => value))
    cursor = page.nextCursor ?? ''
    pages++
  } while (cursor !== '' && pages < 10)
  expect(seen).toEqual(samples.map(({ values }) => values.power))
  expect(pages).toBe(3)

  const query = `metric=power&from=${fromMs}&to=${fromMs + 2 * hourMs}&bucket=1h&fn=avg`
  const buckets = await bodyOf(await client.request('GET', `${path}?${query}`))
  expect(buckets.items.map(({ value, count }: { value: number; count: number }) => ({ value, count }))).toEqual([
    { value: 29.5, count: 60 },
    { value: 89.5, count: 60 },
  ])
})

describeWith(['mosquitto_pub', 'mosquitto_sub'], "with Mosquitto's own clients", () => {
  test('what mosquitto_pub publishes is seen by mosquitto_sub and stored', async () => {
    const { client, mqttPort } = platform
    const { id, token } = await client.createDevice({ id: 'meter-mosquitto', profileId: 'meter-1ph' })
    const key = await client.createKey('mosquitto_sub')
    const topic = `pel/v1/${id}/telemetry`
    const port = String(mqttPort)
    const as = (name: string, secret: string) => ['-h', '127.0.0.1', '-p', port, '-u', name, '-P', secret, '-t', topic]
    const listen = ['-d', '-q', '1', '-C', '2', '-W', '30', ...as(`key:${key.id}`, key.key)]
    // Line by line: into a pipe it would keep its lines until it ends.
    const subscriber = startChild('stdbuf', ['-oL', toolPath('mosquitto_sub'), ...listen])
    await subscriber.waitFor((line) => (line.startsWith('Subscribed') ? line : undefined), 20_000)

    const messages = ['{"voltage":229.8}', '{"voltage":230.1}']
    for (const [i, message] of messages.entries()) {
      const publish = ['-q', String(i + 1), '-m', message, ...as(id, token)]
      expect(await runProgram(toolPath('mosquitto_pub'), publish)).toMatchObject({ code: 0 })
    }
    expect(await subscriber.exited).toMatchObject({ code: 0 })
    expect(subscriber.stdout().split('\n')).toEqual(expect.arrayContaining(messages))
    const stored = await waitUntil('both readings', async () => {
      const items = await Array.fromAsync(client.readings(id, 'voltage'))
      return items.length === 2 && items
    })
    expect(stored.map(({ value }) => value)).toEqual([229.8, 230.1])
  })

  test('a plain value on a topic of its own counts for its device', async () => {
    const { client, mqttPort } = platform
    const { id, token } = await client.createDevice({ id: 'trafo1', profileId: 'transformer' })
    const publish = ['-h', '127.0.0.1', '-p', String(mqttPort), '-u', id, '-P', token, '-q', '1']
    const topic = ['-t', `panel/${id}/temperature`, '-m', '41.5']
    expect(await runProgram(toolPath('mosquitto_pub'), [...publish, ...topic])).toMatchObject({ code: 0 })
    const [latest] = await waitUntil('the reading', async () => {
      const items = await client.latest(id)
      return items.length > 0 && items
    })
    expect(latest).toMatchObject({ metric: 'temperature', value: 41.5, unit: 'Cel' })
  })
})
