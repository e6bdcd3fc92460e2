import { setTimeout as delay } from 'node:timers/promises'
import { startMailServer } from '../../../test/notifier/mail-server.ts'
import { type Platform, startPlatform } from '../../../test/scenario/platform.ts'
import { startHttpProxy } from '../../../test/setup/http-proxy.ts'
import { startInfluxdb } from '../../../test/setup/influxdb.ts'
import { waitUntil } from '../../../test/setup/wait.ts'
import { connectCrossingDevice, percentile, sampleUntil } from '../../crossing-mails.ts'
import { registeredConnections } from '../../ingest-peers.ts'
import { startRawGenerator } from '../../raw-generator.ts'
import { compareSent, createSampler, database } from './contents.ts'
import { spoilTemperature, startRefusedDevice } from './refused-device.ts'
import { watchPlatform } from './watch.ts'

export interface StoreChaosOptions {
  /** How long InfluxDB is gone. */
  readonly outageS: number
  readonly messagesPerS: number
  say(line: string): void
}

export interface StoreChaosResult {
  /** Readings with an acknowledgement. */
  readonly acked: number
  /** Acknowledged, neither stored nor on the rejected list; of a dropped database: of what the log still had. */
  readonly lost: number
  readonly doubled: number
  readonly rejected: number
  readonly maxRssAnonMb: number
  /** From a PUBLISH to its mail, while the store was in trouble. */
  readonly alertDelayP99Ms: number
  /** Longest of what it took, after a trouble was over, until all was stored. */
  readonly recoveredS: number
}

const load = { devices: 20, connections: 20, window: 500, seconds: 1 }
const metrics = 6
const hourMs = 3_600_000
const calmS = 12
const overloadedS = 15
const retryAfterS = 3
const afterDropS = 10
const sampleMs = 300

/** A store in trouble under load: killed, overloaded, refusing, dropped. Nothing else may notice. */
export async function runStoreChaos(options: StoreChaosOptions): Promise<StoreChaosResult> {
  const { outageS, messagesPerS, say } = options
  await using server = await startInfluxdb()
  await using proxy = await startHttpProxy(server.url)
  await using mails = await startMailServer()
  await server.query(`CREATE DATABASE "${database}"`)
  await spoilTemperature(server)
  await using platform = await startPlatform({
    env: {
      INFLUX_URL: proxy.url,
      INFLUX_DATABASE: database,
      SMTP_URL: mails.url,
      MAIL_FROM: 'chaos@example.com',
      ALERT_EMAIL: 'ops@example.com',
      MAILS_PER_S: '1000',
    },
  })
  const watch = watchPlatform(platform)
  const connections = await registeredConnections(platform, load)
  const crossing = await connectCrossingDevice(platform, mails)
  const refused = await startRefusedDevice(platform, server)
  const recoveries: number[] = []
  const generate = (seconds: number, startMs: number) =>
    startRawGenerator({ port: platform.mqttPort, connections, window: load.window, seconds, startMs, messagesPerS })
  try {
    await crossing.cross()
    const firstMs = Date.now() - hourMs
    const seconds = calmS + outageS + overloadedS + calmS
    const first = generate(seconds, firstMs)
    await first.sending
    say(`${messagesPerS} messages/s; calm for ${calmS} s`)
    const calm = await sampleUntil(delay(calmS * 1_000), crossing.cross)
    const troubled = sampleUntil(first.draining, crossing.cross)

    say(`InfluxDB is killed for ${outageS} s`)
    await server.kill()
    await delay(outageS * 1_000)
    await server.start()
    recoveries.push(await watch.recovered('a kill'))
    say(`recovered in ${recoveries.at(-1)?.toFixed(1)} s; now 503 with Retry-After ${retryAfterS} for ${overloadedS} s`)
    const answer = { status: 503, headers: { 'retry-after': String(retryAfterS) }, body: 'overloaded' }
    proxy.answer = ({ url }) => (url?.startsWith('/write') ? answer : undefined)
    const askedBefore = proxy.requests.length
    await delay(overloadedS * 1_000)
    const asked = proxy.requests.slice(askedBefore).filter((request) => request === 'POST /write').length
    say(`asked ${asked} times meanwhile`)
    proxy.answer = () => undefined
    recoveries.push(await watch.recovered('overload'))
    const samples = [...(await troubled)]
    const firstRun = await first.summary
    await watch.recovered('the first run')
    const before = await compareSent(server, { startMs: firstMs, acked: firstRun.devices })
    say(`first run: ${firstRun.acked} messages, ${before.lost} lost, ${before.doubled} doubled`)

    const secondMs = firstMs + Math.max(...Object.values(firstRun.devices)) + 1
    const second = generate(2 * calmS + afterDropS, secondMs)
    await second.sending
    const moreTroubled = sampleUntil(second.draining, crossing.cross)
    const sampler = createSampler(server, secondMs, Object.keys(firstRun.devices))
    const dropMs = performance.now() + 2 * calmS * 1_000
    while (performance.now() < dropMs) {
      await sampler.look()
      await delay(sampleMs)
    }
    const refusedLoads = await refused.stored()
    await sampler.look()
    await server.query(`DROP DATABASE "${database}"`)
    await server.query(`CREATE DATABASE "${database}"`)
    await spoilTemperature(server)
    say('the database was dropped and made again')
    const sinceMs = await noticed(platform)
    const unseenMs = sinceMs - sampler.completeToMs
    if (unseenMs > 0)
      throw new Error(`the database was looked at ${unseenMs} ms too early to know what it was dropped with`)
    recoveries.push(await watch.recovered('a drop'))
    samples.push(...(await moreTroubled))
    const secondRun = await second.summary
    await watch.recovered('the second run')
    const mayMiss = (device: string, timeMs: number) => {
      const receivedMs = sampler.receivedMs(device, timeMs)
      return receivedMs !== undefined && receivedMs <= sinceMs
    }
    const after = await compareSent(server, { startMs: secondMs, acked: secondRun.devices }, mayMiss)
    say(`second run: ${secondRun.acked} messages, ${after.lost} lost of what the log had, ${after.doubled} doubled`)

    await refused.stop()
    await watch.recovered('the end')
    const { store_refused: rejected = 0 } = (await platform.client.status()).ingest.rejected
    // Each temperature is listed, each load stored; some of both twice, because of the drop.
    const loads = refusedLoads + (await refused.stored())
    const missing = Math.max(0, refused.acked - rejected) + Math.max(0, refused.acked - loads)
    say(`${refused.acked} temperatures to be refused: ${rejected} on the list; ${loads} loads stored beside them`)
    say(`alerts: p99 ${percentile(calm, 0.99).toFixed(1)} ms in calm, ${samples.length} samples in trouble`)
    return {
      acked: (firstRun.acked + secondRun.acked) * metrics + refused.acked * 2,
      lost: (before.lost + after.lost) * metrics + missing,
      doubled: (before.doubled + after.doubled) * metrics,
      rejected,
      maxRssAnonMb: Math.round(watch.maxRssAnonMb),
      alertDelayP99Ms: Number(percentile(samples, 0.99).toFixed(1)),
      recoveredS: Number(Math.max(...recoveries).toFixed(1)),
    }
  } catch (error) {
    throw new Error(`chaos store failed; the platform's last words:\n${platform.log().slice(-4_000)}`, { cause: error })
  } finally {
    watch.stop()
    await crossing.end()
  }
}

/** Resolves with the time since when everything is stored again: the platform tells. */
function noticed(platform: Platform): Promise<number> {
  return waitUntil(
    'the drop to be noticed',
    () => {
      const line = platform
        .log()
        .split('\n')
        .findLast((text) => text.includes('what the log still has is stored again'))
      const since = /"since":"([^"]+)"/.exec(line ?? '')?.[1]
      return since === undefined ? undefined : Date.parse(since)
    },
    { timeoutMs: 30_000 },
  )
}
