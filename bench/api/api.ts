import { setTimeout as delay } from 'node:timers/promises'
import { startPlatform } from '../../test/scenario/platform.ts'
import { startRedis } from '../../test/setup/redis-server.ts'
import type { Bench } from '../bench.ts'
import { percentile } from '../crossing-mails.ts'
import { ackedPerS } from '../ingest-peers.ts'
import { cpuTimeMs, memoryMb } from '../process-stats.ts'
import { startRawGenerator } from '../raw-generator.ts'
import { type Sample, watchConsole } from './consoles.ts'
import { buildEstate, devicesPerGateway, issueKey } from './estate.ts'
import { cacheCounts, hitRateBetween } from './hit-rate.ts'
import { createApiClient } from './http-client.ts'
import { parseApiOptions } from './options.ts'

const generatorWindow = 200
/** So many of ten consoles belong to somebody who may see their site alone. */
const limitedOfTen = 8

/**
 * How fast the API answers people's consoles while messages come in: the platform, the devices and the consoles are processes of
 * their own, and share the machine. What is asked for stands in console-mix.ts, how often in consoles.ts.
 */
export const benchApi: Bench = async ({ args, say }) => {
  const options = parseApiOptions(args)
  await using redis = options.cache === 'memory' ? undefined : await startRedis()
  const env = { LOG_LEVEL: 'warn', ...(redis && { REDIS_URL: redis.url }) }
  await using platform = await startPlatform({ env })
  const estate = await buildEstate(platform, say)
  const consoles = await Promise.all(
    Array.from({ length: options.clients }, async (_, number) => {
      const site = estate.sites[number % estate.sites.length]
      if (site === undefined) throw new Error('there is no site')
      const isLimited = number % 10 < limitedOfTen
      const key = await issueKey(platform, `console-${number}`, isLimited ? [site.id] : 'all')
      return { client: createApiClient(platform.httpPort, key, number), site, number }
    }),
  )
  const seconds = options.warmUpSeconds + options.seconds + 2
  const flow = startRawGenerator({
    port: platform.mqttPort,
    connections: estate.connections,
    window: generatorWindow,
    messagesPerS: options.rate,
    burst: devicesPerGateway,
    stepMs: Math.max(1, Math.round((1_000 * estate.devices) / options.rate)),
    startMs: Date.now(),
    seconds,
  })
  await flow.sending
  say(`${options.rate} messages/s; ${options.clients} consoles warm up for ${options.warmUpSeconds} s`)

  const samples: Sample[] = []
  let measuring = false
  const enough = new AbortController()
  const keep = (sample: Sample) => {
    if (measuring) samples.push(sample)
  }
  const watching = Promise.all(consoles.map((one) => watchConsole(one, keep, enough.signal)))
  await delay(options.warmUpSeconds * 1_000)
  const before = cacheCounts(await platform.client.metrics())
  const cpuBefore = cpuTimeMs(platform.pid)
  const startMs = performance.now()
  measuring = true
  await delay((options.seconds * 1_000) / 2)
  if (options.cache === 'redis-killed') {
    say('redis is killed')
    await redis?.kill()
  }
  await delay(Math.max(0, options.seconds * 1_000 - (performance.now() - startMs)))
  const tookS = (performance.now() - startMs) / 1_000
  const cpuPct = (cpuTimeMs(platform.pid) - cpuBefore) / tookS / 10
  enough.abort()
  await watching
  const hitRate = hitRateBetween(before, cacheCounts(await platform.client.metrics()))
  for (const { client } of consoles) client.close()
  const offered = ackedPerS(await flow.summary)
  if (offered < options.rate * 0.95) throw new Error(`${offered.toFixed(0)} messages/s is less than ${options.rate}`)

  for (const line of perAsk(samples)) say(line)
  say(`platform: ${cpuPct.toFixed(0)} % of a core, ${memoryMb(platform.pid).rssAnon.toFixed(0)} MB`)
  const failures = samples.flatMap(({ failure }) => failure ?? [])
  for (const failure of failures.slice(0, 5)) say(`failed: ${failure}`)
  const ms = samples.map((sample) => sample.ms)
  return {
    p50Ms: rounded(percentile(ms, 0.5)),
    p95Ms: rounded(percentile(ms, 0.95)),
    p99Ms: rounded(percentile(ms, 0.99)),
    requestsPerS: Math.round(samples.length / tookS),
    errors: failures.length,
    hitRate: hitRate === null ? null : Number(hitRate.toFixed(4)),
  }
}

/** The same by what was asked for, for people. */
function perAsk(samples: readonly Sample[]): string[] {
  const names = [...new Set(samples.map(({ what }) => what))].sort()
  return names.map((name) => {
    const ms = samples.filter(({ what }) => what === name).map((sample) => sample.ms)
    const [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1].map((share) => percentile(ms, share).toFixed(1).padStart(8))
    return `${name.padEnd(16)} ${String(ms.length).padStart(6)}  p50${p50}  p95${p95}  p99${p99}  max${max} ms`
  })
}

function rounded(value: number): number {
  return Number(value.toFixed(1))
}
