import { pino } from 'pino'
import {
  builtInProfiles,
  controlTopic,
  type DeviceRecord,
  type MetricName,
  type ProfileRecord,
  parseAlertId,
  parseDeviceId,
  parseMetricName,
  parseProfileId,
  parseRuleId,
  parseSiteId,
  quality,
  type RuleCondition,
  type RuleRecord,
  type Transition,
} from '../../model/index.ts'
import { createRuleEngine, type RuleEngine } from '../../rules/index.ts'

/** 2026-11-23T12:00:00Z; scripts count seconds from here. */
export const noon = 1_795_435_200_000
export const second = 1_000
export const minute = 60_000

/** Values by metric, under the time of the device; without one: that of arrival. */
export interface Row {
  readonly timeS?: number
  readonly values: Readonly<Record<string, number>>
}

export type Frame = { readonly receivedMs: number } & (
  | { readonly kind: 'tick' }
  | { readonly kind: 'control'; readonly topic: string; readonly record: object | undefined }
  | { readonly kind: 'message'; readonly device: DeviceRecord; readonly rows: readonly Row[] }
)

/** What a log would hold, in seconds after noon. */
export class Script {
  readonly #frames: Frame[] = []
  readonly #devices = new Map<string, DeviceRecord>()
  /** Newest time of each series that the rules were shown, as ingest remembers it. */
  readonly #newestMs = new Map<string, number>()
  nowMs = noon

  constructor(profiles: readonly ProfileRecord[] = builtInProfiles) {
    for (const profile of profiles) this.control(controlTopic.profile(profile.id), profile)
  }

  /** A tick every second until then; then it is then. */
  at(seconds: number): this {
    const atMs = noon + seconds * second
    while (this.nowMs + second <= atMs) {
      this.nowMs += second
      this.#frames.push({ kind: 'tick', receivedMs: this.nowMs })
    }
    this.nowMs = atMs
    return this
  }

  /** The platform is down until then. */
  down(untilSeconds: number): this {
    this.nowMs = noon + untilSeconds * second
    return this
  }

  control(topic: string, record: object | undefined): this {
    this.#frames.push({ kind: 'control', receivedMs: this.nowMs, topic, record })
    return this
  }

  rule(id: string, condition: RuleCondition, more: Partial<RuleRecord> = {}): this {
    return this.control(`rule/${id}`, ruleRecord(id, condition, more))
  }

  removeRule(id: string): this {
    return this.control(`rule/${id}`, undefined)
  }

  device(id: string, more: Partial<DeviceRecord> = {}): this {
    const known = this.#devices.get(id)
    const record = { ...deviceRecord(id, known?.number ?? this.#devices.size + 1), ...more }
    this.#devices.set(id, record)
    return this.control(controlTopic.device(record.id), record)
  }

  removeDevice(id: string): this {
    return this.control(`device/${id}`, undefined)
  }

  resolve(alertId: string): this {
    return this.control(controlTopic.alert(parseAlertId(alertId)), { resolve: true })
  }

  /** A message of one row per argument. */
  send(id: string, ...rows: readonly Row[]): this {
    const device = this.#devices.get(id)
    if (device === undefined) throw new RangeError(`no device ${id}`)
    this.#frames.push({ kind: 'message', receivedMs: this.nowMs, device, rows: this.#newRows(device, rows) })
    return this
  }

  /** What is not newer than the last of its series is not for the rules. */
  #newRows({ id, number }: DeviceRecord, rows: readonly Row[]): Row[] {
    return rows.map(({ values, ...time }) => {
      const timeMs = time.timeS === undefined ? this.nowMs : noon + time.timeS * second
      const newer = Object.entries(values).filter(([metric]) => {
        const series = `${id} ${number} ${metric}`
        if (timeMs <= (this.#newestMs.get(series) ?? Number.NEGATIVE_INFINITY)) return false
        this.#newestMs.set(series, timeMs)
        return true
      })
      return { ...time, values: Object.fromEntries(newer) }
    })
  }

  /** A reading of `voltage`, now. */
  volts(id: string, voltage: number): this {
    return this.send(id, { values: { voltage } })
  }

  get frames(): readonly Frame[] {
    return this.#frames
  }
}

export interface RunOptions {
  /** After which frames the engine is replaced by one that begins with the newest snapshot. Default: none. */
  readonly restartAfter?: (frame: number) => boolean
  /** After which frames what is pending is recorded. Default: after the last. */
  readonly commitAfter?: (frame: number) => boolean
  /** How many frames lie between two snapshots. */
  readonly snapshotEvery?: number
}

/** All transitions that a sink was given, in order. */
export async function run(frames: readonly Frame[], options: RunOptions = {}): Promise<Transition[]> {
  const recorded: Transition[] = []
  let position = 0
  const sink = {
    position: async () => position,
    record: async (transitions: readonly Transition[], to: number) => {
      recorded.push(...transitions)
      position = to
    },
  }
  const open = async (snapshot?: Uint8Array) => {
    const engine = createRuleEngine({ sink, logger: pino({ level: 'silent' }) })
    await engine.open()
    if (snapshot !== undefined) engine.decode(snapshot)
    return engine
  }
  const { restartAfter = () => false, commitAfter = () => false, snapshotEvery = Number.POSITIVE_INFINITY } = options
  let engine = await open()
  let snapshot = { next: 0, bytes: Uint8Array.from(engine.encode()) }
  // Frames beyond which a restart has been: it happens to each frame once.
  let reached = -1
  for (let i = 0; i < frames.length; i++) {
    const frame = frames[i]
    if (frame === undefined) break
    feed(engine, frame, positionOf(i))
    const atSnapshot = i % snapshotEvery === 0
    // What is recorded may be ahead of the snapshot, never behind it.
    if (commitAfter(i) || atSnapshot) await engine.commit(positionOf(i))
    if (atSnapshot) snapshot = { next: i + 1, bytes: Uint8Array.from(engine.encode()) }
    if (i <= reached || !restartAfter(i)) continue
    reached = i
    engine = await open(snapshot.bytes)
    i = snapshot.next - 1
  }
  await engine.commit(positionOf(frames.length))
  return recorded
}

/** The bytes of the memory when all frames have been read; after `cut` of them it is read back into a fresh engine. */
export function memoryAfter(frames: readonly Frame[], cut = frames.length): Uint8Array {
  const fresh = () =>
    createRuleEngine({
      sink: { position: async () => 0, record: async () => {} },
      logger: pino({ level: 'silent' }),
    })
  let engine = fresh()
  frames.forEach((frame, i) => {
    if (i === cut) {
      const bytes = engine.encode()
      engine = fresh()
      engine.decode(bytes)
    }
    feed(engine, frame, positionOf(i))
  })
  return engine.encode()
}

export function positionOf(frame: number): number {
  return (frame + 1) * 100
}

export function feed(engine: RuleEngine, frame: Frame, position: number): void {
  engine.beginFrame(frame.receivedMs, position)
  if (frame.kind === 'control') {
    const payload = frame.record === undefined ? '' : JSON.stringify(frame.record)
    engine.control(frame.topic, Buffer.from(payload))
  } else if (frame.kind === 'message') {
    const watch = engine.watch(frame.device, slots)
    watch?.seen()
    for (const { timeS, values } of frame.rows) {
      const timeMs = timeS === undefined ? frame.receivedMs : noon + timeS * second
      for (const [metric, value] of Object.entries(values)) take(watch, metric, timeMs, value)
    }
  }
}

/** As ingest does: what is calm is shown to nobody. */
function take(watch: ReturnType<RuleEngine['watch']>, metric: string, timeMs: number, value: number): void {
  if (watch === undefined) return
  const slot = slots.indexOf(metricName(metric))
  if (slot < 0) throw new RangeError(`no metric ${metric}`)
  const [least, greatest] = watch.calm.subarray(2 * slot)
  if (least === undefined || greatest === undefined) throw new RangeError(`nothing is said of ${metric}`)
  if (value < least || value > greatest) watch.take(slot, timeMs, value, quality.good)
}

/** The metrics that scripts may send. */
const slots = [...new Set(builtInProfiles.flatMap(({ metrics }) => metrics.map(({ name }) => name)))]

export function metricName(name: string): MetricName {
  return parseMetricName(name)
}

/** One line each: when, what, how bad, which rule about what, at which value. */
export function story(transitions: readonly Transition[]): string[] {
  return transitions.map(({ timeMs, kind, severity, reason, ruleId, deviceId, metric, value }) => {
    const about = metric === null ? deviceId : `${deviceId}.${metric}=${value}`
    const why = reason === null || reason === 'condition_cleared' ? '' : ` ${reason}`
    return `${(timeMs - noon) / second}s ${kind} ${severity} ${ruleId} ${about}${why}`
  })
}

export async function storyOf(script: Script): Promise<string[]> {
  return story(await run(script.frames))
}

export function ruleRecord(id: string, condition: RuleCondition, more: Partial<RuleRecord> = {}): RuleRecord {
  return {
    id: parseRuleId(id),
    name: id,
    version: 1,
    enabled: true,
    appliesTo: { profile: parseProfileId('meter-1ph') },
    condition,
    forMs: 0,
    keepFiringForMs: 0,
    ...more,
  }
}

export function deviceRecord(id: string, number: number): DeviceRecord {
  return {
    id: parseDeviceId(id),
    number,
    siteId: parseSiteId('main'),
    profileId: parseProfileId('meter-1ph'),
    assetId: null,
    gatewayId: null,
    name: id,
    attributes: {},
    tags: [],
    limits: {},
  }
}

/** Voltage above 253 V is a warning, above 264 V critical; they clear 3 V below. */
export const overvoltage: RuleCondition = {
  metric: parseMetricName('voltage'),
  op: '>',
  levels: [
    { severity: 'warning', value: 253, clear: 250 },
    { severity: 'critical', value: 264, clear: 261 },
  ],
}

export const silentForThree: RuleCondition = { noData: { intervals: 3, severity: 'warning' } }
