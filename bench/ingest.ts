import { parseArgs } from 'node:util'
import type { RawSummary } from '../firmware-sim/index.ts'
import type { Platform } from '../test/scenario/platform.ts'
import { startMosquitto } from '../test/setup/mosquitto.ts'
import type { Bench } from './bench.ts'
import {
  ackedPerS,
  anonymousConnections,
  type Load,
  type PlatformRound,
  registeredConnections,
  runPlatformRound,
  startBenchPlatform,
} from './ingest-peers.ts'
import { median } from './median.ts'
import { startRawGenerator } from './raw-generator.ts'

const hourMs = 3_600_000
/** Messages in flight over all connections, unless `--window` says how many on each. */
const inFlight = 5_000

/**
 * Durable ingest against a broker that stores nothing: one raw generator with the same settings loads Mosquitto
 * (persistence off) and the whole platform in turn. Fails unless the store holds every acknowledged reading, exactly.
 */
export const benchIngest: Bench = async ({ args, say }) => {
  const { rounds, ...load } = parseOptions(args)
  await using mosquitto = await startMosquitto()
  await using platform = await startBenchPlatform()
  const anonymous = anonymousConnections(load)
  const registered = await registeredConnections(platform, load)
  const { window, seconds } = load
  // Each device's times go on where they stopped: no time twice, in all the rounds.
  const firstMs = Date.now() - hourMs
  let startMs = firstMs
  const pairs: { readonly peer: RawSummary; readonly own: PlatformRound }[] = []

  const loadMosquitto = async () => {
    const config = { port: mosquitto.port, connections: anonymous, window, seconds, startMs }
    const peer = await startRawGenerator(config).summary
    say(`  mosquitto ${format(ackedPerS(peer))} acked/s, p99 ${peer.ackP99Ms.toFixed(1)} ms`)
    return peer
  }
  const loadPlatform = async () => {
    const config = { port: platform.mqttPort, connections: registered, window, seconds, startMs }
    const own = await runPlatformRound(platform, config)
    startMs += Math.max(...Object.values(own.load.devices)) + 1
    say(
      `  platform  ${format(own.ackedPerS)} acked/s, p99 ${own.load.ackP99Ms.toFixed(1)} ms, ` +
        `drained in ${own.drainS.toFixed(2)} s, lag ${own.maxLag}, CPU ${own.cpuPct.toFixed(0)} %`,
    )
    return own
  }

  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}: ${load.devices} devices on ${load.connections} connections, ${seconds} s each`)
    // Who goes first changes, so that neither always finds the machine warmer.
    if (round % 2 === 1) {
      const peer = await loadMosquitto()
      pairs.push({ peer, own: await loadPlatform() })
    } else {
      const own = await loadPlatform()
      pairs.push({ peer: await loadMosquitto(), own })
    }
  }
  await checkOneDevice(platform, pairs, firstMs)

  const own = pairs.map((pair) => pair.own)
  return {
    ackedPerS: Math.round(median(own.map((round) => round.ackedPerS))),
    storedPerS: Math.round(median(own.map((round) => round.storedPerS))),
    mosquittoAckedPerS: Math.round(median(pairs.map(({ peer }) => ackedPerS(peer)))),
    ratio: rounded(median(pairs.map((pair) => pair.own.ackedPerS / ackedPerS(pair.peer))), 3),
    ackP50Ms: rounded(median(own.map(({ load }) => load.ackP50Ms)), 2),
    ackP99Ms: rounded(median(own.map(({ load }) => load.ackP99Ms)), 2),
    drainS: rounded(Math.max(...own.map((round) => round.drainS)), 2),
    maxLag: Math.max(...own.map((round) => round.maxLag)),
    cpuPct: Math.round(median(own.map((round) => round.cpuPct))),
    rssAnonMb: Math.round(Math.max(...own.map((round) => round.rssAnonMb))),
    generatorCpuPct: Math.round(median(own.map(({ load }) => load.cpuPct))),
    devices: load.devices,
    connections: load.connections,
    rounds,
    seconds,
  }
}

/** The count above is the store's own; one device is also read back, reading by reading. */
async function checkOneDevice(platform: Platform, pairs: readonly { own: PlatformRound }[], firstMs: number) {
  const [device = ''] = Object.keys(pairs[0]?.own.load.devices ?? {})
  const acked = pairs.reduce((sum, { own }) => sum + (own.load.devices[device] ?? 0), 0)
  let read = 0
  let last = firstMs - 1
  for await (const { time } of platform.client.readings(device, 'energy')) {
    const timeMs = Date.parse(time)
    if (timeMs <= last) throw new Error(`${device} has ${time} twice, or out of order`)
    last = timeMs
    read++
  }
  if (read !== acked) throw new Error(`${device}: ${acked} messages acknowledged, ${read} energy readings read back`)
}

function parseOptions(args: readonly string[]): Load & { readonly rounds: number } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '20' },
      devices: { type: 'string', default: '50' },
      connections: { type: 'string' },
      window: { type: 'string' },
    },
  })
  const devices = positive('devices', values.devices)
  const connections = positive('connections', values.connections ?? values.devices)
  if (connections > devices) throw new Error(`${connections} connections need as many devices`)
  return {
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    devices,
    connections,
    window: positive('window', values.window ?? String(Math.max(5, Math.round(inFlight / connections)))),
  }
}

function positive(name: string, text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number > 0) return number
  throw new Error(`--${name} ${text} is not a whole number above 0`)
}

function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals))
}

function format(value: number): string {
  return Math.round(value).toLocaleString('en')
}
