import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { RawConfigInput } from '../../firmware-sim/index.ts'
import { type Platform, startPlatform } from '../../test/scenario/platform.ts'
import { waitUntil } from '../../test/setup/wait.ts'
import type { Bench } from '../bench.ts'
import { memoryMb } from '../process-stats.ts'
import { startRawGenerator } from '../raw-generator.ts'
import type { CrowdDevice } from './crowd.ts'
import { startCrowd } from './remote-crowd.ts'

const flowDevices = 100
const metricsPerMessage = 6
const registeringAtOnce = 64
const openingAtOnce = 500
/** The flow ends when it is told to; this is for a run that nobody ends. */
const flowSecondsMax = 900
const settleMs = 3_000

/**
 * A fleet connects, each device with its token; then all of it loses its connections at once and comes back while other
 * devices go on publishing. Fails when a device does not get in, or when the store does not hold exactly what the flow
 * had acknowledged.
 */
export const benchConnections: Bench = async ({ args, say }) => {
  const { devices, rate, calmS } = parseOptions(args)
  await using platform = await startPlatform({ env: { LOG_LEVEL: 'warn' } })
  const crowdDevices = await register(platform, 'crowd', devices)
  const flow = await register(platform, 'flow', flowDevices)
  say(`${devices} devices registered`)
  await delay(settleMs)
  await using crowd = await startCrowd({ port: platform.mqttPort, devices: crowdDevices })

  const before = memoryMb(platform.pid)
  const calm = await crowd.open(openingAtOnce)
  refuseFailures(calm.failures)
  const connectPerS = calm.connected / calm.seconds
  say(`${calm.connected} connected at ${connectPerS.toFixed(0)}/s, ${calm.retries} retries`)
  await delay(settleMs)
  const after = memoryMb(platform.pid)
  const bytesPerConnection = ((after.rssAnon - before.rssAnon) * 1_024 * 1_024) / calm.connected
  say(`${bytesPerConnection.toFixed(0)} bytes a connection`)

  const readingsBefore = await storedOf(platform, flow)
  const run = startRawGenerator({
    port: platform.mqttPort,
    connections: flow.map(({ id, token }) => ({ clientId: id, username: id, password: token, devices: [id] })),
    window: 1_000,
    messagesPerS: rate,
    seconds: flowSecondsMax,
    startMs: Date.now() - 3_600_000,
  } satisfies RawConfigInput)
  await run.sending
  await delay(calmS * 1_000)
  await crowd.cut()
  const storm = await crowd.open(devices)
  refuseFailures(storm.failures)
  say(`storm: ${storm.connected} are back after ${storm.seconds.toFixed(2)} s, ${storm.retries} retries`)
  await delay(calmS * 1_000)
  run.stopSending()
  const load = await run.summary
  const expected = load.acked * metricsPerMessage
  let stored = 0
  await waitUntil('the flow to be stored', async () => {
    stored = (await storedOf(platform, flow)) - readingsBefore
    return stored >= expected
  }).catch(() => {})
  say(`flow: ${load.acked} acked, ${load.unacked} not, p99 ${load.ackP99Ms.toFixed(1)} ms`)
  if (load.unacked > 0) throw new Error(`${load.unacked} messages of the flow were never acknowledged`)
  if (stored > expected) throw new Error(`${stored - expected} more readings are stored than were acknowledged`)
  return {
    connected: calm.connected,
    connectPerS: Math.round(connectPerS),
    bytesPerConnection: Math.round(bytesPerConnection),
    stormLost: Math.ceil((expected - stored) / metricsPerMessage),
    stormConnected: await crowd.connected(),
    stormS: Number(storm.seconds.toFixed(2)),
    stormRetries: storm.retries,
    flowPerS: Math.round(load.ackedWhileSending / load.durationS),
    flowAckP50Ms: Number(load.ackP50Ms.toFixed(2)),
    flowAckP99Ms: Number(load.ackP99Ms.toFixed(2)),
  }
}

function refuseFailures(failures: readonly string[]): void {
  if (failures.length === 0) return
  throw new Error(`${failures.length} devices did not get in: ${failures.slice(0, 3).join('; ')}`)
}

async function register({ client }: Platform, prefix: string, count: number): Promise<CrowdDevice[]> {
  const devices: CrowdDevice[] = []
  for (let i = 0; i < count; i += registeringAtOnce) {
    const ids = Array.from({ length: Math.min(registeringAtOnce, count - i) }, (_, k) => `${prefix}-${i + k}`)
    devices.push(...(await Promise.all(ids.map((id) => client.createDevice({ id, profileId: 'meter-1ph' })))))
  }
  return devices
}

/** Readings of the flow's devices; every message of it has the same metrics. */
async function storedOf({ client }: Platform, flow: readonly CrowdDevice[]): Promise<number> {
  let count = 0
  for (const { id } of flow) for await (const _ of client.readings(id, 'energy')) count += metricsPerMessage
  return count
}

interface Options {
  readonly devices: number
  /** Messages a second of the flow. */
  readonly rate: number
  /** The flow runs so many seconds before the storm, during it however long it takes, and as many after it. */
  readonly calmS: number
}

function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      devices: { type: 'string', default: '10000' },
      rate: { type: 'string', default: '10000' },
      calm: { type: 'string', default: '3' },
    },
  })
  const number = (name: keyof typeof values) => {
    const value = Number(values[name])
    if (Number.isInteger(value) && value > 0) return value
    throw new Error(`--${name} ${values[name]} is not a whole number above 0`)
  }
  return { devices: number('devices'), rate: number('rate'), calmS: number('calm') }
}
