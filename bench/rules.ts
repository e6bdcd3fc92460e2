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

const profile = parseProfileId('meter-1ph')
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
export const benchRules: Bench = async ({ args: [devices = '10000'], say }) => {
  const memory = await engineOf(Number(devices))
  const many = watchesOf(memory.engine, memory.devices)
  takeAll(many, 1, 0)
  say(`${many.length} series of ${devices} devices`)

  const { engine, devices: fleet } = await engineOf(1_000)
  const watches = watchesOf(engine, fleet)
  const healthyNs = perCall(watches.length, (round) => takeAll(watches, round, 0))
  const troubledNs = perCall(watches.length, (round) => takeAll(watches, 1e6 + round, 1))
  let position = 1
  const messageNs = perCall(fleet.length, (round) => {
    for (const device of fleet) {
      engine.beginFrame(startMs + round, ++position)
      engine.seen(device)
    }
  })

  const begun = cpuMs()
  const bytes = memory.engine.encode()
  const encoded = cpuMs()
  const { engine: fresh } = await emptyEngine()
  fresh.decode(bytes)
  const decoded = cpuMs()
  return {
    healthyNs: round1(healthyNs),
    troubledNs: round1(troubledNs),
    messageNs: round1(messageNs),
    memoryBytes: bytes.length,
    encodeMs: round1(encoded - begun),
    decodeMs: round1(decoded - encoded),
  }
}

async function emptyEngine(): Promise<{ readonly engine: RuleEngine }> {
  const sink = { position: async () => 0, record: async () => {} }
  const engine = createRuleEngine({ sink, logger: pino({ level: 'warn' }) })
  await engine.open()
  return { engine }
}

async function engineOf(count: number): Promise<{ readonly engine: RuleEngine; readonly devices: DeviceRecord[] }> {
  const { engine } = await emptyEngine()
  const tell = (topic: string, record: object) => engine.control(topic, encoder.encode(JSON.stringify(record)))
  engine.beginFrame(startMs, 1)
  for (const each of builtInProfiles) tell(controlTopic.profile(each.id), each)
  for (const rule of defaultRules) tell(controlTopic.rule(rule.id), rule)
  const devices = Array.from({ length: count }, (_, i) => deviceRecord(i + 1))
  for (const device of devices) tell(controlTopic.device(device.id), device)
  return { engine, devices }
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

/** Of this thread: what else the machine does is not the rules' cost. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** Median over the rounds, ns; the first warms up. */
function perCall(calls: number, one: (round: number) => void): number {
  const repeats = Math.ceil(300_000 / calls)
  const times = Array.from({ length: rounds }, (_, round) => {
    const begun = cpuMs()
    for (let i = 0; i < repeats; i++) one(round * repeats + i)
    return ((cpuMs() - begun) * 1e6) / (calls * repeats)
  })
  return median(times.slice(1))
}

function deviceRecord(number: number): DeviceRecord {
  const id = parseDeviceId(`meter-${number}`)
  const place = { siteId: parseSiteId('main'), profileId: profile, assetId: null, gatewayId: null }
  return { id, number, ...place, name: id, attributes: {}, tags: [], limits: {} }
}

const round1 = (value: number) => Math.round(value * 10) / 10
