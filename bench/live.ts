import { type ClientRequest, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { connectAsync } from 'mqtt'
import type { RawConfigInput } from '../firmware-sim/index.ts'
import { type Platform, startPlatform } from '../test/scenario/platform.ts'
import { waitUntil } from '../test/setup/wait.ts'
import type { Bench } from './bench.ts'
import { percentile } from './crossing-mails.ts'
import { ackedPerS, registeredConnections } from './ingest-peers.ts'
import { cpuTimeMs, memoryMb } from './process-stats.ts'
import { startRawGenerator } from './raw-generator.ts'

const hourMs = 3_600_000
const load = { devices: 1_000, connections: 50, window: 200 }
/** Devices whose values are timed; each reports less often than streams look, so that none is passed over. */
const probes = 50
const probeEveryMs = { least: 300, more: 400 }
const idleS = 5
const settleMs = 3_000
const openingAtOnce = 100

/**
 * From a device's PUBLISH until the event with its value is at a client, while other devices load the platform and many other
 * streams are open; and what these cost. `--view own`: each shows another device; `all`: each shows everything.
 */
export const benchLive: Bench = async ({ args, say }) => {
  const { streams, rate, seconds, view } = parseOptions(args)
  const limits = { HTTP_MAX_CONNECTIONS: '8192', HTTP_MAX_CONNECTIONS_PER_ADDRESS: '0' }
  const places = { HTTP_LIVE_STREAMS: '8000', HTTP_LIVE_STREAMS_PER_PRINCIPAL: '8000' }
  await using platform = await startPlatform({ env: { LOG_LEVEL: 'warn', ...limits, ...places } })
  const connections = await registeredConnections(platform, { ...load, seconds })
  const probe = await connectProbes(platform)
  const crowd: Stream[] = []
  try {
    const flow = (s: number, startMs: number) => startFlow(platform, connections, { rate, seconds: s, startMs })
    say(`${rate} messages/s without streams`)
    const alone = flow(idleS, Date.now() - 2 * hourMs)
    await alone.sending
    const cpuAlone = await cpuPctOver(platform.pid, idleS * 1_000)
    await alone.summary

    await delay(settleMs)
    const memoryBefore = memoryMb(platform.pid).rssAnon
    const cpuIdleBefore = await cpuPctOver(platform.pid, idleS * 1_000)
    for (let i = 0; i < streams; i += openingAtOnce)
      crowd.push(
        ...(await Promise.all(
          Array.from({ length: Math.min(openingAtOnce, streams - i) }, (_, j) =>
            openStream(platform, view === 'all' ? '' : `device=bench-${(i + j) % load.devices}`),
          ),
        )),
      )
    await waitUntil('the streams to begin', () => crowd.every(({ bytes }) => bytes > 100))
    await delay(settleMs)
    const memoryOpen = memoryMb(platform.pid).rssAnon
    const cpuIdle = await cpuPctOver(platform.pid, idleS * 1_000)
    say(`${streams} streams: ${(memoryOpen - memoryBefore).toFixed(0)} MB, idle ${cpuIdle.toFixed(0)} % of a core`)

    const busy = flow(seconds, Date.now() - hourMs)
    await busy.sending
    const bytesBefore = total(crowd)
    const measured = cpuPctOver(platform.pid, (seconds - 1) * 1_000)
    const { samples, superseded } = await probe.sample(seconds - 1)
    const cpuBusy = await measured
    const receivedMb = (total(crowd) - bytesBefore) / 1e6 / (seconds - 1)
    const offeredPerS = Math.round(ackedPerS(await busy.summary))
    if (offeredPerS < rate * 0.95) throw new Error(`${offeredPerS} messages/s is less than the ${rate} asked for`)
    const ended = crowd.filter((stream) => stream.ended).length
    if (ended > 0) throw new Error(`${ended} streams ended`)
    return {
      streams,
      offeredPerS,
      p50Ms: rounded(percentile(samples, 0.5)),
      p99Ms: rounded(percentile(samples, 0.99)),
      maxMs: rounded(percentile(samples, 1)),
      samples: samples.length,
      superseded,
      kbPerStream: rounded(((memoryOpen - memoryBefore) * 1_024) / Math.max(1, streams)),
      cpuPctIdle: rounded(cpuIdleBefore),
      cpuPctIdleWithStreams: rounded(cpuIdle),
      cpuPctBusy: rounded(cpuAlone),
      cpuPctBusyWithStreams: rounded(cpuBusy),
      receivedMbPerS: rounded(receivedMb),
    }
  } finally {
    for (const stream of crowd) stream.close()
    await probe.end()
  }
}

interface Flow {
  readonly rate: number
  readonly seconds: number
  readonly startMs: number
}

function startFlow(platform: Platform, connections: RawConfigInput['connections'], { rate, seconds, startMs }: Flow) {
  const config = { port: platform.mqttPort, connections, window: load.window, seconds, startMs, messagesPerS: rate }
  return startRawGenerator(config)
}

interface Stream {
  readonly bytes: number
  readonly ended: boolean
  close(): void
}

function openStream({ httpPort, adminKey }: Platform, query: string, onText?: (text: string) => void): Promise<Stream> {
  let bytes = 0
  let ended = false
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${adminKey}` }
    const path = `/api/v1/live?${query}`
    const asked: ClientRequest = request(
      { host: '127.0.0.1', port: httpPort, path, headers, agent: false },
      (response) => {
        if (response.statusCode !== 200) reject(new Error(`open a stream failed: ${response.statusCode}`))
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          onText?.(chunk.toString())
        })
        response.on('close', () => {
          ended = true
        })
        resolve({
          get bytes() {
            return bytes
          },
          get ended() {
            return ended
          },
          close: () => void asked.destroy(),
        })
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}

/** Devices that publish serial numbers, and a stream that says when each is there. */
async function connectProbes(platform: Platform) {
  const ids = Array.from({ length: probes }, (_, i) => `probe-${i}`)
  const gateway = await platform.client.createDevice({ id: 'probe-gateway', profileId: 'meter-1ph' })
  for (const id of ids) await platform.client.createDevice({ id, profileId: 'meter-1ph', gatewayId: 'probe-gateway' })
  const mqtt = await connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, {
    username: 'probe-gateway',
    password: gateway.token,
  })
  /** Of each device the serial numbers that are on their way, with when they left. */
  const sent = new Map<string, Map<number, number>>(ids.map((id) => [id, new Map()]))
  let samples: number[] = []
  let superseded = 0
  let rest = ''
  const stream = await openStream(platform, `kinds=values&device=${ids.join(',')}`, (text) => {
    const nowMs = performance.now()
    const whole = `${rest}${text}`
    const end = whole.lastIndexOf('}') + 1
    rest = whole.slice(end)
    const values = /"deviceId":"([^"]+)","metric":"serial","time":"[^"]+","value":(\d+)/g
    for (const [, id = '', text = ''] of whole.slice(0, end).matchAll(values)) {
      const own = sent.get(id)
      const at = own?.get(Number(text))
      if (own === undefined || at === undefined) continue
      samples.push(nowMs - at)
      // A newer one came before the look: the older is not told.
      for (const serial of own.keys()) {
        if (serial > Number(text)) break
        if (serial < Number(text)) superseded++
        own.delete(serial)
      }
    }
  })
  let serial = 0

  async function report(id: string, untilMs: number): Promise<void> {
    while (performance.now() < untilMs) {
      await delay(probeEveryMs.least + Math.random() * probeEveryMs.more)
      const own = ++serial
      sent.get(id)?.set(own, performance.now())
      mqtt.publish(`pel/v1/${id}/telemetry`, `{"serial":${own}}`, { qos: 1 })
    }
  }

  return {
    async sample(seconds: number) {
      samples = []
      superseded = 0
      const untilMs = performance.now() + seconds * 1_000
      await Promise.all(ids.map((id) => report(id, untilMs)))
      await waitUntil('the last values', () => [...sent.values()].every(({ size }) => size === 0))
      return { samples, superseded }
    },
    async end() {
      stream.close()
      await mqtt.endAsync(true)
    },
  }
}

async function cpuPctOver(pid: number, ms: number): Promise<number> {
  const before = cpuTimeMs(pid)
  const startMs = performance.now()
  await delay(ms)
  return (100 * (cpuTimeMs(pid) - before)) / (performance.now() - startMs)
}

function total(streams: readonly Stream[]): number {
  return streams.reduce((sum, { bytes }) => sum + bytes, 0)
}

function parseOptions(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      streams: { type: 'string', default: '1000' },
      rate: { type: 'string', default: '10000' },
      seconds: { type: 'string', default: '20' },
      view: { type: 'string', default: 'own' },
    },
  })
  const { view } = values
  if (view !== 'own' && view !== 'all') throw new Error(`--view ${view} is neither own nor all`)
  const numbers = { streams: Number(values.streams), rate: Number(values.rate), seconds: Number(values.seconds) }
  for (const [name, number] of Object.entries(numbers))
    if (!Number.isInteger(number) || number < 0) throw new Error(`--${name} ${number} is no whole number`)
  return { ...numbers, view }
}

function rounded(value: number): number {
  return Number(value.toFixed(1))
}
