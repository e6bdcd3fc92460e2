import { parseArgs } from 'node:util'
import { startMailServer } from '../test/notifier/mail-server.ts'
import { startPlatform } from '../test/scenario/platform.ts'
import type { Bench } from './bench.ts'
import { connectCrossingDevice, percentile, sampleUntil } from './crossing-mails.ts'
import { influxEnv } from './influx.ts'
import { ackedPerS, registeredConnections } from './ingest-peers.ts'
import { startRawGenerator } from './raw-generator.ts'

const hourMs = 3_600_000
const load = { devices: 50, connections: 50, window: 200 }
const fewestSamples = 200
/** Crossings in a row, to see how many mails a second go out. */
const burst = 200
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
