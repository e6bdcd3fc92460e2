import type { Logger } from 'pino'
import type { DeviceId, DeviceRecord, MetricName } from '../model/index.ts'
import type { LogPosition } from '../store/log/index.ts'
import { decodeEngine, encodeEngine } from './codec.ts'
import { createControl } from './control.ts'
import type { DeviceWatch } from './device-watch.ts'
import { EngineClock } from './engine-clock.ts'
import { LastSeen } from './last-seen.ts'
import { OpenAlerts } from './open-alerts.ts'
import type { TransitionSink } from './ports.ts'
import { createRecording } from './recording.ts'
import { Registry } from './registry.ts'
import { Timers } from './timers.ts'

export interface RuleEngineDeps {
  readonly sink: TransitionSink
  readonly logger: Logger
}

/** Everything that rules know, a function of the frames read so far. */
export interface EngineMemory {
  readonly clock: EngineClock
  readonly registry: Registry
  readonly devices: Map<DeviceId, DeviceWatch>
}

/**
 * Judges what passes, frame by frame: a deterministic function of the log. Whoever reads the log drives it: `beginFrame`
 * for every frame, then what the frame holds. Where its transitions go is the sink's business; what is recorded there
 * already is not told again when frames are read again.
 */
export interface RuleEngine {
  /** How far transitions are recorded. Once, before anything else. */
  open(): Promise<LogPosition>
  encode(): Uint8Array
  /** Fills a fresh one. Throws on bytes that `encode` did not write. */
  decode(bytes: Uint8Array): void
  /** What was due at or before `receivedMs` happens now, before the frame that ends at `position`. */
  beginFrame(receivedMs: number, position: LogPosition): void
  /** `device/{id}`, `profile/{id}`, `rule/{id}` and `alert/{id}`; other topics are others' business. */
  control(topic: string, payload: Uint8Array): void
  /** Grows when `watch` may answer otherwise than before: when devices come or go. */
  readonly version: number
  /** What watches the device, whose slots are places in `metrics`; undefined: it is not known. */
  watch(device: DeviceRecord, metrics: readonly MetricName[]): DeviceWatch | undefined
  /** Transitions that wait to be recorded. */
  readonly pending: number
  /** Durable when it resolves; may be repeated after a retryable error. */
  commit(position: LogPosition): Promise<void>
}

export function createRuleEngine({ sink, logger }: RuleEngineDeps): RuleEngine {
  const clock = new EngineClock()
  const timers = new Timers()
  const registry = new Registry()
  const devices = new Map<DeviceId, DeviceWatch>()
  const recording = createRecording(sink)
  const alerts = new OpenAlerts(clock, recording.add)
  const around = { clock, timers, alerts, lastSeen: new LastSeen() }
  const control = createControl({ around, registry, devices, logger })
  /** Records told before the first frame: they count from it on. */
  const early: (readonly [topic: string, payload: Uint8Array])[] = []

  function runTimers(untilMs: number): void {
    while (timers.nextMs <= untilMs) {
      clock.moveTo(timers.nextMs)
      timers.pop()?.onDue(clock.nowMs)
    }
    clock.moveToFrame()
  }

  function takeEarly(): void {
    for (const [topic, payload] of early.splice(0)) control.take(topic, payload)
  }

  return {
    open: recording.open,
    encode: () => encodeEngine({ clock, registry, devices }),
    decode: (bytes) => decodeEngine(bytes, { clock, registry, devices }, around),
    beginFrame(receivedMs, position) {
      clock.beginFrame(receivedMs, position)
      if (timers.nextMs <= clock.nowMs) runTimers(clock.nowMs)
      if (early.length > 0) takeEarly()
    },
    control(topic, payload) {
      if (clock.begun) control.take(topic, payload)
      else early.push([topic, payload])
    },
    get version() {
      return control.version
    },
    watch({ id }, metrics) {
      const watch = devices.get(id)
      watch?.layOut(metrics)
      return watch
    },
    get pending() {
      return recording.pending
    },
    commit: recording.commit,
  }
}
