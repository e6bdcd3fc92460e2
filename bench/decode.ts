import { pino } from 'pino'
import { createIngest, createSeriesNames, ingestConfigSchema } from '../ingest/index.ts'
import {
  builtInProfiles,
  controlTopic,
  encodeOrigin,
  FrameWriter,
  frameKind,
  parseDeviceId,
  parseProfileId,
  parseSiteId,
} from '../model/index.ts'
import { createRuleEngine, defaultRules } from '../rules/index.ts'
import type { LogPosition, LogReader } from '../store/log/index.ts'
import type { ReadingStore, SeriesInfo } from '../store/readings/index.ts'

/**
 * What ingest itself costs: log → decode → validate → dedupe → judge → batch, with a store that only counts; without
 * rules, and with the default pack. Prints one JSON line per kind of payload: microseconds per message of six values, on
 * one thread.
 */
const messages = 400_000
const startMs = Date.now() - 3_600_000
const encoder = new TextEncoder()

type Payload = (i: number, timeMs: number) => string
const values = (i: number) =>
  `"voltage":${(229 + (i % 300) / 100).toFixed(2)},"current":${(i % 60) + 0.25},"power":${1000 + (i % 977)},` +
  `"energy":${(1000 + i / 1000).toFixed(3)},"power_factor":0.97,"frequency":${(49.9 + (i % 20) / 100).toFixed(2)}`
const payloads: Readonly<Record<string, Payload>> = {
  timed: (i, timeMs) => `{"ts":${timeMs},"values":{${values(i)}}}`,
  untimed: (i) => `{${values(i)}}`,
  spaced: (i, timeMs) => `{"ts": ${timeMs}, "values": {${values(i).replaceAll(':', ': ').replaceAll(',', ', ')}}}`,
  precise: (i, timeMs) =>
    `{"ts":${timeMs},"values":{"voltage":${229 + Math.sin(i)},"current":${2 + Math.sin(i)},"power":${460 + Math.cos(i)},` +
    `"energy":${1000 + i / 997},"power_factor":${0.9 + Math.sin(i) / 20},"frequency":${50 + Math.sin(i) / 10}}}`,
  general: (i, timeMs) => `{"values":{${values(i)}},"ts":${timeMs}}`,
}

/** A log in memory: the registrations, then the messages of `devices` devices in turn. */
function writeLog(payload: Payload, devices: number): { readonly bytes: Buffer; readonly ends: Float64Array } {
  const writer = new FrameWriter(256 * 1024 * 1024)
  for (const profile of builtInProfiles)
    writer.append({
      kind: frameKind.control,
      receivedMs: startMs,
      topic: controlTopic.profile(profile.id),
      payload: encoder.encode(JSON.stringify(profile)),
    })
  for (const rule of defaultRules)
    writer.append({
      kind: frameKind.control,
      receivedMs: startMs,
      topic: controlTopic.rule(rule.id),
      payload: encoder.encode(JSON.stringify(rule)),
    })
  const origins = Array.from({ length: devices }, (_, d) => encodeOrigin(`meter-${d}`, `client-${d}`))
  const topics = origins.map((_, d) => encoder.encode(`pel/v1/meter-${d}/telemetry`))
  for (let d = 0; d < devices; d++) {
    const id = parseDeviceId(`meter-${d}`)
    const record = {
      id,
      number: d + 1,
      siteId: parseSiteId('main'),
      profileId: parseProfileId('meter-1ph'),
      assetId: null,
      gatewayId: null,
      name: id,
      attributes: {},
      tags: [],
      limits: {},
    }
    const bytes = encoder.encode(JSON.stringify(record))
    writer.append({ kind: frameKind.control, receivedMs: startMs, topic: controlTopic.device(id), payload: bytes })
  }
  const ends = new Float64Array(messages)
  for (let i = 0; i < messages; i++) {
    const d = i % devices
    writer.append({
      kind: frameKind.message,
      flags: 1,
      packetId: 1 + (i % 65_535),
      session: d,
      receivedMs: startMs + Math.floor(i / 100),
      origin: origins[d] ?? new Uint8Array(0),
      topic: topics[d] ?? '',
      payload: encoder.encode(payload(i, startMs - 1000 + Math.floor(i / devices))),
    })
    ends[i] = writer.length
  }
  return { bytes: writer.view(), ends }
}

function readerOf({ bytes, ends }: ReturnType<typeof writeLog>): LogReader {
  let at = 0
  return {
    read: async (position, maxBytes) => {
      let end = position
      for (; at < ends.length; at++) {
        const next = ends[at] ?? 0
        if (next <= position) continue
        if (end > position && next - position > maxBytes) break
        end = next
      }
      return { start: position, bytes: bytes.subarray(position, end), end }
    },
    waitForMore: (_, signal) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
    release: () => {},
    stats: () => ({
      tail: 0,
      head: bytes.length,
      durable: bytes.length,
      bytes: bytes.length,
      maxBytes: 0,
      full: false,
      commits: 0,
      consumers: [],
    }),
    close: async () => {},
  }
}

async function measure(name: string, devices: number, rules: boolean): Promise<void> {
  const payload = payloads[name]
  if (payload === undefined) throw new RangeError(`no payload ${name}`)
  const script = writeLog(payload, devices)
  const series: SeriesInfo[] = []
  let stored = 0
  let storedPosition: LogPosition = 0
  const empty = Promise.reject(new Error('not asked'))
  empty.catch(() => {})
  const readings: ReadingStore = {
    remote: false,
    open: async () => ({ position: 0, logId: undefined, highestDevice: 0, highestSeries: 0 }),
    write: async (batch, position) => {
      stored += batch.length
      storedPosition = position
      return { refused: [] }
    },
    range: () => empty,
    buckets: () => empty,
    latest: () => empty,
    expire: () => empty,
    stats: () => empty,
    close: async () => {},
  }
  const logger = pino({ level: 'warn' })
  let transitions = 0
  const sink = {
    position: async () => 0,
    record: async (batch: readonly unknown[]) => {
      transitions += batch.length
    },
  }
  const ingest = createIngest(ingestConfigSchema.parse({ idleCommitMs: 0 }), {
    logId: 'bench',
    log: readerOf(script),
    reopenLog: () => readerOf(script),
    readings,
    series: createSeriesNames({
      ensure: async (wanted) =>
        wanted.map((request) => {
          const made = { ...request, seriesId: series.length + 1 }
          series.push(made)
          return made
        }),
      list: async () => ({ items: [], next: null }),
      highest: async () => ({ device: devices, series: series.length }),
    }),
    ledger: { position: async () => 0, commit: async () => {} },
    snapshots: {
      list: async () => [],
      read: async () => Buffer.alloc(0),
      write: async () => {},
      remove: async () => {},
    },
    topics: { scalarTopics: [], metricNames: new Map() },
    clock: { now: () => Date.now() },
    ...(rules ? { evaluator: createRuleEngine({ sink, logger }) } : {}),
    logger,
    onFailure: (error) => console.error(error),
  })
  const begun = performance.now()
  const cpu = process.cpuUsage()
  await ingest.start()
  while (storedPosition < script.bytes.length) await new Promise((resolve) => setTimeout(resolve, 1))
  const wallMs = performance.now() - begun
  const { user, system } = process.cpuUsage(cpu)
  await ingest.stop()
  const { suspect, rejected, redeliveries } = await ingest.queries.stats()
  const usPerMessage = Math.round((wallMs * 1e6) / messages) / 1000
  const cpuUsPerMessage = Math.round(((user + system) * 1000) / messages) / 1000
  const unlisted = Object.values(rejected).reduce((sum, count) => sum + count, 0)
  console.log(
    JSON.stringify({
      payload: name,
      devices,
      rules,
      transitions,
      messages,
      stored,
      usPerMessage,
      cpuUsPerMessage,
      suspect,
      redeliveries,
      rejected: unlisted,
    }),
  )
}

const wanted = process.argv.slice(2)
for (const name of wanted.length === 0 ? Object.keys(payloads) : wanted) {
  for (const devices of [50, 1000]) for (const rules of [false, true]) await measure(name, devices, rules)
}
