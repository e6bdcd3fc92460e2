import { setTimeout as delay } from 'node:timers/promises'
import type { RawConfigInput, RawSummary } from '../firmware-sim/index.ts'
import { platformDeviceId } from '../model/index.ts'
import { type Platform, startPlatform } from '../test/scenario/platform.ts'
import { waitUntil } from '../test/setup/wait.ts'
import { countInInflux, influxEnv } from './influx.ts'
import { cpuTimeMs, memoryMb } from './process-stats.ts'
import { startRawGenerator } from './raw-generator.ts'

/** What one round is made of; the same for both brokers. */
export interface Load {
  readonly devices: number
  readonly connections: number
  readonly window: number
  readonly seconds: number
}

export interface PlatformRound {
  readonly load: RawSummary
  readonly ackedPerS: number
  /** Messages a second that were stored, over the time of sending and draining. */
  readonly storedPerS: number
  /** From the end of sending until all of it was acknowledged and stored. */
  readonly drainS: number
  /** Most messages seen acknowledged and not stored yet. */
  readonly maxLag: number
  readonly cpuPct: number
  /** Processor time of the whole platform, all threads, until the message is stored. */
  readonly cpuUsPerMessage: number
  readonly rssAnonMb: number
}

type Connections = RawConfigInput['connections']

const metricsPerMessage = 6
const drainTimeoutMs = 60_000
const askAgainMs = 20
const pollMs = 250
const registeringAtOnce = 32

export const ackedPerS = (load: RawSummary) => load.ackedWhileSending / load.durationS

/** Connections without credentials, for a broker that asks for none. */
export function anonymousConnections(load: Load): Connections {
  return devicesOfConnections(load).map((devices, i) => ({ clientId: `bench-${i}`, devices }))
}

/** Registers the devices: each connection is the first of its devices, and the gateway of the others. */
export async function registeredConnections({ client }: Platform, load: Load): Promise<Connections> {
  const register = async (devices: readonly string[]) => {
    const [first = '', ...others] = devices
    const { token } = await client.createDevice({ id: first, profileId: 'meter-1ph' })
    for (const id of others) await client.createDevice({ id, profileId: 'meter-1ph', gatewayId: first })
    return { clientId: first, username: first, password: token, devices: [...devices] }
  }
  const groups = devicesOfConnections(load)
  const connections: Connections = []
  for (let i = 0; i < groups.length; i += registeringAtOnce) {
    connections.push(...(await Promise.all(groups.slice(i, i + registeringAtOnce).map(register))))
  }
  return connections
}

const influx = influxEnv()

export const startBenchPlatform = (): Promise<Platform> => startPlatform({ env: { LOG_LEVEL: 'warn', ...influx } })

/** Loads the platform, waits until all of it is stored, and compares the store's count with the PUBACKs: exactly. */
export async function runPlatformRound(platform: Platform, config: RawConfigInput): Promise<PlatformRound> {
  const { client, pid } = platform
  const before = await client.status()
  const storedBefore = await storedOfOthers(client)
  const run = startRawGenerator(config)
  const load = await awaitingAll(run.summary, async () => {
    await run.sending
    const cpuBefore = cpuTimeMs(pid)
    const startMs = performance.now()
    const watch = watchPlatform(platform, before)
    try {
      await run.draining
      const drainStartMs = performance.now()
      const cpuPct = (100 * (cpuTimeMs(pid) - cpuBefore)) / (performance.now() - startMs)
      const summary = await run.summary
      const expected = storedBefore + summary.acked * metricsPerMessage
      await waitForStored(platform, expected)
      const drainS = (performance.now() - drainStartMs) / 1_000
      const storedPerS = summary.acked / (summary.durationS + drainS)
      const cpuUsPerMessage = ((cpuTimeMs(pid) - cpuBefore) * 1_000) / summary.acked
      const figures = { ackedPerS: ackedPerS(summary), storedPerS, drainS, cpuPct, cpuUsPerMessage }
      return { load: summary, ...figures, ...watch.seen }
    } finally {
      await watch.stop()
    }
  })
  if (load.load.unacked > 0) throw new Error(`${load.load.unacked} messages were never acknowledged`)
  return load
}

/** A generator that fails ends the round at once. */
async function awaitingAll<T>(summary: Promise<unknown>, round: () => Promise<T>): Promise<T> {
  const [result] = await Promise.all([round(), summary])
  return result
}

/** As long as it goes on: a store that is slower than the log is minutes behind. */
async function waitForDrain({ client }: Platform): Promise<void> {
  let last = -1
  for (let movedMs = performance.now(); ; ) {
    const { log, ingest } = await client.status()
    if (ingest.position === log.durable) return
    if (ingest.position !== last) movedMs = performance.now()
    else if (performance.now() - movedMs > drainTimeoutMs) throw new Error(`the store stands still at ${last}`)
    last = ingest.position
    await delay(askAgainMs)
  }
}

async function waitForStored(platform: Platform, expected: number): Promise<void> {
  await waitForDrain(platform)
  const { client } = platform
  let stored = 0
  const arrived = async () => {
    stored = await storedOfOthers(client)
    return stored >= expected
  }
  await waitUntil('the drain', arrived, { timeoutMs: drainTimeoutMs, everyMs: 20 }).catch((error: unknown) => {
    throw new Error(`${expected - stored} acknowledged readings are not stored`, { cause: error })
  })
  if (stored !== expected) throw new Error(`${stored - expected} more readings are stored than were acknowledged`)
}

/** Readings in the store but those that the platform makes of itself. */
async function storedOfOthers(client: Platform['client']): Promise<number> {
  for (;;) {
    const own = await ownReadings(client)
    const { readings, log, ingest } = await client.status()
    if (readings.readings === null) {
      // It would have to count them all, so it is asked once it has everything.
      if (ingest.position === log.durable) return countInInflux(influx, 'meter-1ph')
      await delay(askAgainMs)
      continue
    }
    // Asked again when it has measured itself meanwhile.
    if ((await ownReadings(client)) === own) return readings.readings - own
  }
}

async function ownReadings(client: Platform['client']): Promise<number> {
  const metrics = await client.latest(platformDeviceId)
  if (metrics.length === 0) return 0
  let times = 0
  for await (const _ of client.readings(platformDeviceId, 'log_bytes')) times++
  return times * metrics.length
}

function watchPlatform({ client, pid }: Platform, before: Awaited<ReturnType<typeof client.status>>) {
  const seen = { maxLag: 0, rssAnonMb: 0 }
  let asking: Promise<void> | undefined
  const look = async () => {
    seen.rssAnonMb = Math.max(seen.rssAnonMb, memoryMb(pid).rssAnon)
    const { broker, readings, ingest } = await client.status()
    const since = (now: number | null, then: number | null) => (now === null || then === null ? null : now - then)
    const values = since(readings.readings, before.readings.readings) ?? ingest.readings - before.ingest.readings
    const stored = values / metricsPerMessage
    seen.maxLag = Math.max(seen.maxLag, Math.round(broker.ackedTotal - before.broker.ackedTotal - stored))
  }
  const timer = setInterval(() => {
    // A platform too busy to answer in time is asked again a little later.
    asking ??= look()
      .catch(() => {})
      .finally(() => {
        asking = undefined
      })
  }, pollMs)
  return {
    seen,
    async stop() {
      clearInterval(timer)
      await asking
    },
  }
}

function devicesOfConnections({ devices, connections }: Load): string[][] {
  const ids = Array.from({ length: devices }, (_, i) => `bench-${i}`)
  return Array.from({ length: connections }, (_, c) => ids.filter((_, i) => i % connections === c))
}
