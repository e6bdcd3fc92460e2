import type { Platform } from '../test/scenario/platform.ts'
import type { BenchRun } from './bench.ts'
import { platformFigures, rounded, tellRound } from './ingest-figures.ts'
import type { IngestOptions } from './ingest-options.ts'
import { type PlatformRound, registeredConnections, runPlatformRound, startBenchPlatform } from './ingest-peers.ts'
import { median } from './median.ts'

const hourMs = 3_600_000
/** Not counted: compiles what both kinds of rounds run. */
const warmUpSeconds = 4

/** What is there in turn, and not there. */
interface Switch {
  readonly name: string
  set(platform: Platform, on: boolean): Promise<void>
}

/** The default packs. */
export const rulesSwitch: Switch = { name: 'rules', set: enableRules }

/** A live stream of every value. */
export function createFollowerSwitch(): Switch {
  let leave: AbortController | undefined
  return {
    name: 'follower',
    async set({ httpPort, adminKey }, on) {
      leave?.abort()
      leave = undefined
      if (!on) return
      leave = new AbortController()
      const headers = { authorization: `Bearer ${adminKey}` }
      const url = `http://127.0.0.1:${httpPort}/api/v1/live`
      const { body } = await fetch(url, { headers, signal: leave.signal })
      body?.pipeTo(new WritableStream()).catch(() => {})
    },
  }
}

/**
 * What something costs: the same platform under the same load, in turn with it and without. As strict as the benchmark against
 * Mosquitto: every acknowledged reading is stored, exactly.
 */
export async function benchIngestSwitched(options: IngestOptions, say: BenchRun['say'], { name, set }: Switch) {
  const { rounds, seconds, window, devices, connections } = options
  await using platform = await startBenchPlatform()
  const registered = await registeredConnections(platform, options)
  let startMs = Date.now() - hourMs
  const load = async (enabled: boolean, forSeconds: number) => {
    await set(platform, enabled)
    const config = { port: platform.mqttPort, connections: registered, window, seconds: forSeconds, startMs }
    const round = await runPlatformRound(platform, config)
    startMs += Math.max(...Object.values(round.load.devices)) + 1
    say(`  ${name} ${enabled ? 'on ' : 'off'} ${tellRound(round)}`)
    return round
  }

  say('warming up')
  for (const enabled of [false, true]) await load(enabled, Math.min(seconds, warmUpSeconds))
  const pairs: { readonly on: PlatformRound; readonly off: PlatformRound }[] = []
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}: ${devices} devices on ${connections} connections, ${seconds} s each`)
    // Who goes first changes: the store fills, and the machine warms.
    if (round % 2 === 1) {
      const off = await load(false, seconds)
      pairs.push({ off, on: await load(true, seconds) })
    } else {
      const on = await load(true, seconds)
      pairs.push({ on, off: await load(false, seconds) })
    }
  }
  await set(platform, false)
  const ratio = (figure: (round: PlatformRound) => number) =>
    rounded(median(pairs.map(({ on, off }) => figure(on) / figure(off))), 3)
  return {
    storedRatio: ratio((round) => round.storedPerS),
    ackedRatio: ratio((round) => round.ackedPerS),
    cpuRatio: ratio((round) => round.cpuUsPerMessage),
    on: platformFigures(pairs.map(({ on }) => on)),
    off: platformFigures(pairs.map(({ off }) => off)),
    devices,
    connections,
    rounds,
    seconds,
  }
}

/** Answered once the change is in the log, before everything that is sent afterwards. */
async function enableRules({ client }: Platform, enabled: boolean): Promise<void> {
  const rules = await client.rules()
  if (rules.length === 0) throw new Error('the platform has no rules')
  for (const { id, enabled: before } of rules) if (before !== enabled) await client.enableRule(id, enabled)
}
