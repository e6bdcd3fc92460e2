import { pino } from 'pino'
import {
  builtInProfiles,
  controlTopic,
  type DeviceRecord,
  parseDeviceId,
  parseMetricName,
  parseProfileId,
  parseSiteId,
  quality,
} from '../model/index.ts'
import { createRuleEngine, defaultRules, type RuleEngine } from '../rules/index.ts'
import type { Bench } from './bench.ts'
import { median } from './median.ts'
import { costsInIngest } from './rules-in-ingest.ts'

const startMs = 1_795_435_200_000
const rounds = 7
/** A bad value of each metric that the pack watches. */
const bad = { voltage: 270, current: 80, power_factor: 0.5 }
const metrics = Object.keys(bad).map(parseMetricName)
const badValues = Object.values(bad)
const fleets = [50, 1_000, 10_000]
const encoder = new TextEncoder()

/**
 * What the rules themselves cost, with the default packs on: per reading of a series whose alert is firing, and per
 * message; what they cost ingest for messages of healthy devices, of fleets of several sizes; and their memory with
 * `devices` devices (10,000), half of them in trouble with all that is watched.
 */
export const benchRules: Bench = async ({ args: [count = '10000'], say }) => {
  const devices = fleetOf(Number(count))
  const memory = engineOf(devices)
  const inTrouble = devices.filter((_, i) => i % 2 === 0)
  takeBad(watchesOf(memory, inTrouble), 1)
  say(`${count} devices, ${inTrouble.length} of them in trouble`)

  const fleet = fleetOf(1_000)
  const engine = engineOf(fleet)
  const watches = watchesOf(engine, fleet)
  const troubledNs = cpuNs(watches.length * metrics.length, (time) => takeBad(watches, 1e6 + time))
  let position = 1
  const messageNs = cpuNs(fleet.length, (time) => {
    for (const watch of watches) {
      engine.beginFrame(startMs + time, ++position)
      watch.seen()
    }
  })
  const inIngest = fleets.map((size) => {
    const costs = costsInIngest(fleetOf(size))
    say(`${size} devices: ${costs.withoutNs} ns a message without rules, ${costs.packsNs} ns with the packs`)
    return costs
  })

  const bytes = memory.encode()
  const encodeMs = cpuMs(() => memory.encode())
  const decodeMs = cpuMs(() => emptyEngine().decode(bytes))
  return {
    troubledNs: round1(troubledNs),
    messageNs: round1(messageNs),
    inIngest,
    memoryBytes: bytes.length,
    encodeMs: round1(encodeMs),
    decodeMs: round1(decodeMs),
  }
}

function emptyEngine(): RuleEngine {
  const sink = { position: async () => 0, record: async () => {} }
  return createRuleEngine({ sink, logger: pino({ level: 'warn' }) })
}

function engineOf(devices: readonly DeviceRecord[]): RuleEngine {
  const engine = emptyEngine()
  const tell = (topic: string, record: object) => engine.control(topic, encoder.encode(JSON.stringify(record)))
  engine.beginFrame(startMs, 1)
  for (const each of builtInProfiles) tell(controlTopic.profile(each.id), each)
  for (const rule of defaultRules) tell(controlTopic.rule(rule.id), rule)
  for (const device of devices) tell(controlTopic.device(device.id), device)
  return engine
}

type Watch = NonNullable<ReturnType<RuleEngine['watch']>>

function watchesOf(engine: RuleEngine, devices: readonly DeviceRecord[]): Watch[] {
  return devices.flatMap((device) => engine.watch(device, metrics) ?? [])
}

/** One reading of every series that a rule watches. */
function takeBad(watches: readonly Watch[], round: number): void {
  for (const watch of watches)
    for (let slot = 0; slot < badValues.length; slot++)
      watch.take(slot, startMs + round, badValues[slot] ?? 0, quality.good)
}

/** Median over the rounds, of this thread alone: what else the machine does is not the rules' cost. */
function cpuMs(one: (round: number) => void): number {
  const times = Array.from({ length: rounds + 1 }, (_, round) => {
    const begun = process.threadCpuUsage()
    one(round)
    const { user, system } = process.threadCpuUsage(begun)
    return (user + system) / 1000
  })
  // The first round warms up.
  return median(times.slice(1))
}

/** The same per call, in ns; `one` makes so many calls. */
function cpuNs(calls: number, one: (time: number) => void): number {
  const repeats = Math.ceil(300_000 / calls)
  const ms = cpuMs((round) => {
    for (let i = 0; i < repeats; i++) one(round * repeats + i)
  })
  return (ms * 1e6) / (calls * repeats)
}

function fleetOf(count: number): DeviceRecord[] {
  const place = { siteId: parseSiteId('main'), profileId: parseProfileId('meter-1ph'), assetId: null, gatewayId: null }
  return Array.from({ length: count }, (_, i) => {
    const id = parseDeviceId(`meter-${i + 1}`)
    return { id, number: i + 1, ...place, name: id, attributes: {}, tags: [], limits: {} }
  })
}

const round1 = (value: number) => Math.round(value * 10) / 10
