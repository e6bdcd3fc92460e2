import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { connectAsync, type MqttClient } from 'mqtt'
import { type MailServer, startMailServer } from '../test/notifier/mail-server.ts'
import { type Platform, startPlatform } from '../test/scenario/platform.ts'
import type { Bench } from './bench.ts'
import { influxEnv } from './influx.ts'
import { ackedPerS, registeredConnections } from './ingest-peers.ts'
import { startRawGenerator } from './raw-generator.ts'

const hourMs = 3_600_000
const load = { devices: 50, connections: 50, window: 200 }
const fewestSamples = 200
/** Between a mail and the next crossing: not always at the same moment of some timer. */
const pauseMs = { shortest: 10, longest: 40 }
const mailTimeoutMs = 10_000
/** Crossings in a row, to see how many mails a second go out. */
const burst = 200
/** Around the limit of the default pack for single-phase meters: 60 A. */
const currents = { beyond: 65, within: 20 } as const

/**
 * From a device's PUBLISH of a value beyond its limit (or back) until the SMTP server has the whole mail about it, while
 * other devices load the platform. One crossing at a time, each with one mail; then many at once.
 */
export const benchNotify: Bench = async ({ args, say }) => {
  const { rate, seconds } = parseOptions(args)
  await using server = await startMailServer()
  await using platform = await startPlatform({
    env: {
      LOG_LEVEL: 'warn',
      SMTP_URL: server.url,
      MAIL_FROM: 'bench@example.com',
      ALERT_EMAIL: 'ops@example.com',
      MAILS_PER_S: '1000',
      ...influxEnv(),
    },
  })
  const connections = await registeredConnections(platform, { ...load, seconds })
  const crossing = await connectCrossingDevice(platform, server)
  try {
    await crossing.cross()
    say(`background: ${rate} messages/s for ${seconds} s`)
    const startMs = Date.now() - hourMs
    const config = { port: platform.mqttPort, connections, window: load.window, seconds, startMs, messagesPerS: rate }
    const run = startRawGenerator(config)
    await run.sending
    const samples = await sampleUntil(run.draining, crossing.cross)
    const summary = await run.summary
    if (samples.length < fewestSamples) throw new Error(`only ${samples.length} mails came while the load ran`)
    const offeredPerS = Math.round(ackedPerS(summary))
    if (offeredPerS < rate * 0.95) throw new Error(`${offeredPerS} messages/s is less than the ${rate} asked for`)
    say(`${samples.length} mails, one at a time; now ${burst} crossings at once`)
    const mailsPerS = burst / (await crossing.crossOften(burst))
    return {
      offeredPerS,
      p50Ms: rounded(percentile(samples, 0.5)),
      p99Ms: rounded(percentile(samples, 0.99)),
      maxMs: rounded(percentile(samples, 1)),
      mails: samples.length,
      mailsPerS: Math.round(mailsPerS),
    }
  } finally {
    await crossing.end()
  }
}

interface CrossingDevice {
  /** Publishes a value at the other side of the limit; resolves with the time until its mail was there, ms. */
  cross(): Promise<number>
  /** So many crossings without waiting for each; resolves with the seconds until all their mails were there. */
  crossOften(times: number): Promise<number>
  end(): Promise<void>
}

async function connectCrossingDevice(platform: Platform, server: MailServer): Promise<CrossingDevice> {
  const { id, token } = await platform.client.createDevice({ id: 'crossing', profileId: 'meter-1ph' })
  const client: MqttClient = await connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, {
    username: id,
    password: token,
    reconnectPeriod: 0,
  })
  let beyond = false
  let lastMs = 0

  function publish(): Promise<unknown> {
    beyond = !beyond
    // Every reading is newer than the one before it, also when many are published in one millisecond.
    lastMs = Math.max(Date.now(), lastMs + 1)
    const values = { current: beyond ? currents.beyond : currents.within }
    return client.publishAsync(`pel/v1/${id}/telemetry`, JSON.stringify({ ts: lastMs, values }), { qos: 1 })
  }

  return {
    async cross() {
      const arrived = server.next(mailTimeoutMs)
      const startMs = performance.now()
      await Promise.all([publish(), arrived])
      return (await arrived) - startMs
    },
    async crossOften(times) {
      const before = server.accepted.length
      const startMs = performance.now()
      await Promise.all(Array.from({ length: times }, publish))
      let lastArrivedMs = startMs
      while (server.accepted.length < before + times) lastArrivedMs = await server.next(mailTimeoutMs)
      return (lastArrivedMs - startMs) / 1_000
    },
    end: () => client.endAsync(true),
  }
}

async function sampleUntil(end: Promise<unknown>, sample: () => Promise<number>): Promise<readonly number[]> {
  const samples: number[] = []
  let ended = false
  const watch = end.finally(() => {
    ended = true
  })
  while (!ended) {
    samples.push(await sample())
    await delay(pauseMs.shortest + Math.random() * (pauseMs.longest - pauseMs.shortest))
  }
  await watch
  return samples
}

function percentile(samples: readonly number[], part: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? 0
}

function parseOptions(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: { rate: { type: 'string', default: '10000' }, seconds: { type: 'string', default: '30' } },
  })
  return { rate: positive('rate', values.rate), seconds: positive('seconds', values.seconds) }
}

function positive(name: string, text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number > 0) return number
  throw new Error(`--${name} ${text} is not a whole number above 0`)
}

function rounded(value: number): number {
  return Number(value.toFixed(1))
}
