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

const startMs = 1_795_435_200_000
const rounds = 7
/** A good and a bad value of each metric that the pack watches. */
const values: Readonly<Record<string, readonly [healthy: number, troubled: number]>> = {
  voltage: [230, 270],
  current: [5, 80],
  power_factor: [0.95, 0.5],
}
const encoder = new TextEncoder()

/**
 * What the rules themselves cost, with the default packs on: per reading of a healthy series (the usual case), of one
 * whose alert is firing, and per message; and their memory with `devices` devices (10,000) of six series.
 */
export const benchRules: Bench = async ({ args: [count = '10000'], say }) => {
  const devices = fleetOf(Number(count))
  const memory = engineOf(devices)
  const many = watchesOf(memory, devices)
  takeAll(many, 1, 0)
  say(`${many.length} series of ${count} devices`)

  const fleet = fleetOf(1_000)
  const engine = engineOf(fleet)
  const watches = watchesOf(engine, fleet)
  const healthyNs = cpuNs(watches.length, (time) => takeAll(watches, time, 0))
  const troubledNs = cpuNs(watches.length, (time) => takeAll(watches, 1e6 + time, 1))
  let position = 1
  const messageNs = cpuNs(fleet.length, (time) => {
    for (const device of fleet) {
      engine.beginFrame(startMs + time, ++position)
      engine.seen(device)
    }
  })

  const bytes = memory.encode()
  const encodeMs = cpuMs(() => memory.encode())
  const decodeMs = cpuMs(() => emptyEngine().decode(bytes))
  return {
    healthyNs: round1(healthyNs),
    troubledNs: round1(troubledNs),
    messageNs: round1(messageNs),
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

interface Watched {
  readonly watch: NonNullable<ReturnType<RuleEngine['watch']>>
  readonly values: readonly [healthy: number, troubled: number]
}

/** Every series that a rule watches. */
function watchesOf(engine: RuleEngine, devices: readonly DeviceRecord[]): Watched[] {
  return devices.flatMap((device) =>
    Object.entries(values).flatMap(([name, values]) => {
      const watch = engine.watch(device, parseMetricName(name))
      return watch === undefined ? [] : [{ watch, values }]
    }),
  )
}

function takeAll(watches: readonly Watched[], round: number, which: 0 | 1): void {
  for (const { watch, values } of watches) watch.take(startMs + round, values[which], quality.good)
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
