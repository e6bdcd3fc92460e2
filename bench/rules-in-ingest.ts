import { pino } from 'pino'
import { Counters } from '../ingest/counters.ts'
import { Effects } from '../ingest/effects.ts'
import { createSeriesNames, ingestConfigSchema } from '../ingest/index.ts'
import { MessageViews } from '../ingest/message-views.ts'
import { createPass } from '../ingest/pass.ts'
import type { Evaluator } from '../ingest/ports.ts'
import { createSeriesNaming } from '../ingest/series-naming.ts'
import {
  builtInProfiles,
  controlTopic,
  type DeviceRecord,
  FrameCursor,
  FrameWriter,
  frameKind,
  type RuleRecord,
} from '../model/index.ts'
import { createRuleEngine, defaultRules } from '../rules/index.ts'
import { median } from './median.ts'
import { createTraffic } from './traffic.ts'

const messages = 100_000
const warmUps = 4
const rounds = 9
const batchReadings = 60_000
const startMs = 1_795_435_200_000

/**
 * What a message of six healthy values costs ingest, from the frame to the batch, in ns of its thread: without an
 * evaluator, with one that has no rules, and with the default packs on every device; in turn, in one process.
 */
export function costsInIngest(devices: readonly DeviceRecord[]) {
  const nobody = readerOf(devices, undefined, [])
  const noRules = readerOf(devices, newEngine(), [])
  const packs = readerOf(devices, newEngine(), defaultRules)
  for (let round = 0; round < warmUps + rounds; round++) {
    // Who goes first changes, so that nobody always finds the caches as another left them.
    const readers = [nobody, noRules, packs]
    for (let i = 0; i < readers.length; i++) readers[(i + round) % readers.length]?.readRound()
  }
  const [withoutNs, noRulesNs, packsNs] = [nobody.messageNs(), noRules.messageNs(), packs.messageNs()]
  return { devices: devices.length, withoutNs, noRulesNs, packsNs }
}

function newEngine(): Evaluator {
  const sink = { position: async () => 0, record: async () => {} }
  return createRuleEngine({ sink, logger: pino({ level: 'warn' }) })
}

/** An ingest without a log and a store: what reads frames, and makes a batch of them. */
function readerOf(devices: readonly DeviceRecord[], evaluator: Evaluator | undefined, rules: readonly RuleRecord[]) {
  const names = createSeriesNames({
    ensure: async () => [],
    list: async () => ({ items: [], next: null }),
    highest: async () => ({ device: devices.length, series: 0 }),
  })
  const counters = new Counters()
  const naming = createSeriesNaming(names)
  const topics = { scalarTopics: [], metricNames: new Map() }
  const config = ingestConfigSchema.parse({})
  const views = new MessageViews(config.messageViewMb * 1024 * 1024)
  const pass = createPass(config, { naming, counters, views, topics, logger: pino({ level: 'warn' }) })
  const frame = new FrameCursor()
  const effects = new Effects()
  const step = { frame, position: 0, effects, newReadings: true, newRejections: true, evaluator }
  const traffic = createTraffic(devices, messages, startMs)
  const nsOfRounds: number[] = []

  function read(bytes: Uint8Array): void {
    frame.reset(bytes)
    const start = step.position
    while (frame.next()) {
      step.position = start + frame.end
      pass.handle(step)
      if (effects.batch.length >= batchReadings) effects.clear()
    }
  }

  read(controlFrames(devices, rules))
  return {
    readRound() {
      traffic.nextRound()
      const begun = process.threadCpuUsage()
      read(traffic.bytes)
      const { user, system } = process.threadCpuUsage(begun)
      nsOfRounds.push(((user + system) * 1_000) / messages)
    },
    messageNs(): number {
      const expected = (warmUps + rounds) * messages * 6
      if (counters.readings !== expected || counters.notJudged > 0)
        throw new Error(`${counters.readings} readings of ${expected} counted, ${counters.notJudged} not judged`)
      if (evaluator !== undefined && evaluator.pending > 0) throw new Error('healthy devices raised alerts')
      return Math.round(median(nsOfRounds.slice(warmUps)))
    },
  }
}

function controlFrames(devices: readonly DeviceRecord[], rules: readonly RuleRecord[]): Uint8Array {
  const writer = new FrameWriter()
  const tell = (topic: string, record: object) => {
    const payload = Buffer.from(JSON.stringify(record))
    writer.append({ kind: frameKind.control, receivedMs: startMs, topic, payload })
  }
  for (const profile of builtInProfiles) tell(controlTopic.profile(profile.id), profile)
  for (const rule of rules) tell(controlTopic.rule(rule.id), rule)
  for (const device of devices) tell(controlTopic.device(device.id), device)
  return Uint8Array.from(writer.view())
}
