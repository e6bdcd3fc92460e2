import type { RawSummary } from '../firmware-sim/index.ts'
import type { Platform } from '../test/scenario/platform.ts'
import { startMosquitto } from '../test/setup/mosquitto.ts'
import type { Bench, BenchRun } from './bench.ts'
import { format, platformFigures, rounded, tellRound } from './ingest-figures.ts'
import { type IngestOptions, parseIngestOptions } from './ingest-options.ts'
import {
  ackedPerS,
  anonymousConnections,
  type PlatformRound,
  registeredConnections,
  runPlatformRound,
  startBenchPlatform,
} from './ingest-peers.ts'
import { benchIngestSwitched, createFollowerSwitch, rulesSwitch } from './ingest-switched.ts'
import { median } from './median.ts'
import { startRawGenerator } from './raw-generator.ts'

const hourMs = 3_600_000

/** Against a broker that stores nothing, or with `--against no-rules` (or `no-follower`) against itself without rules (or without a live stream). */
export const benchIngest: Bench = async ({ args, say }) => {
  const options = parseIngestOptions(args)
  switch (options.against) {
    case 'no-rules':
      return benchIngestSwitched(options, say, rulesSwitch)
    case 'no-follower':
      return benchIngestSwitched(options, say, createFollowerSwitch())
    default:
      return benchIngestMosquitto(options, say)
  }
}

/**
 * Durable ingest against a broker that stores nothing: one raw generator with the same settings loads Mosquitto
 * (persistence off) and the whole platform in turn. Fails unless the store holds every acknowledged reading, exactly.
 */
async function benchIngestMosquitto({ rounds, ...load }: IngestOptions, say: BenchRun['say']) {
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
    say(`  platform  ${tellRound(own)}`)
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

  return {
    ...platformFigures(pairs.map(({ own }) => own)),
    mosquittoAckedPerS: Math.round(median(pairs.map(({ peer }) => ackedPerS(peer)))),
    ratio: rounded(median(pairs.map(({ own, peer }) => own.ackedPerS / ackedPerS(peer))), 3),
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
