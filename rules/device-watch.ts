import type { MetricName, Quality, ResolveReason, RuleId } from '../model/index.ts'
import { withoutCalm } from './calm.ts'
import { compilePlan, type DevicePlan } from './compile.ts'
import { type SilenceState, SilenceWatch } from './no-data.ts'
import type { WatchedDevice } from './records.ts'
import { type SeriesState, SeriesWatch } from './series-watch.ts'
import type { Surroundings } from './standing.ts'

export interface DeviceState {
  readonly silence: SilenceState
  /** By metric; of series in trouble. */
  readonly series: readonly (readonly [MetricName, SeriesState])[]
}

/** Everything that is watched of one device. Healthy series are numbers in `calm`, and nothing else. */
export class DeviceWatch {
  // What every message asks for comes first, in one line of the processor's cache.
  /**
   * Least and greatest value of each series that changes nothing, side by side, in the order of the metrics. Another
   * array when that changes; shared with other devices while the device is healthy.
   */
  calm: Float64Array
  readonly #seat: number
  readonly #around: Surroundings
  device: WatchedDevice
  readonly silence: SilenceWatch
  #plan: DevicePlan
  #metrics: readonly MetricName[] = []
  /** Those that have been in trouble. */
  readonly #series = new Map<MetricName, SeriesWatch>()

  constructor(device: WatchedDevice, plan: DevicePlan, around: Surroundings) {
    this.calm = plan.calm.of(this.#metrics)
    this.#seat = around.lastSeen.sit()
    this.#around = around
    this.device = device
    this.silence = new SilenceWatch(device, this.#seat, around)
    this.#plan = plan
  }

  /** Hot: once for every message of or for the device. */
  seen(): void {
    const { clock, lastSeen } = this.#around
    lastSeen.note(this.#seat, clock.receivedMs, clock.nowMs)
    if (lastSeen.isMissed(this.#seat)) this.silence.heard()
  }

  /** A reading of the series at `slot` that is newer than its last, of a value that is not calm. */
  take(slot: number, timeMs: number, value: number, quality: Quality): void {
    const metric = this.#metrics[slot]
    if (metric !== undefined) this.#seriesOf(metric)?.take(timeMs, value, quality)
  }

  /** From now on slots are places in this list, which may grow at its end; then it is to be told again. */
  layOut(metrics: readonly MetricName[]): void {
    if (metrics === this.#metrics && this.calm.length === 2 * metrics.length) return
    this.#metrics = metrics
    this.#workOutCalm()
  }

  /** The device or what applies to it is another than before. */
  follow(device: WatchedDevice, plan: DevicePlan, whyGone: (id: RuleId) => ResolveReason): void {
    this.device = device
    this.#plan = plan
    this.silence.follow(device, plan.noData, whyGone)
    for (const [metric, watch] of this.#byMetric()) {
      watch.follow(device, plan.series.get(metric), whyGone)
      if (!plan.series.has(metric)) this.#series.delete(metric)
    }
    this.#workOutCalm()
  }

  remove(reason: ResolveReason): void {
    this.follow(this.device, compilePlan([], undefined), () => reason)
    this.#around.lastSeen.leave(this.#seat)
  }

  state(): DeviceState {
    return {
      silence: this.silence.state(),
      series: this.#byMetric().flatMap(([metric, watch]) => (watch.troubled ? [[metric, watch.state()]] : [])),
    }
  }

  /** Of a fresh one that has the same plan as when the state was taken. */
  restore({ silence, series }: DeviceState): void {
    this.silence.restore(silence, this.#plan.noData)
    for (const [metric, state] of series) this.#seriesOf(metric)?.restore(state)
  }

  /** Undefined: no rule is about it. */
  #seriesOf(metric: MetricName): SeriesWatch | undefined {
    const known = this.#series.get(metric)
    if (known !== undefined) return known
    const plan = this.#plan.series.get(metric)
    if (plan === undefined) return undefined
    const watch = new SeriesWatch({
      device: this.device,
      metric,
      plan,
      around: this.#around,
      changed: () => this.#workOutCalm(),
    })
    this.#series.set(metric, watch)
    return watch
  }

  #workOutCalm(): void {
    const troubled = [...this.#series].flatMap(([metric, watch]) => (watch.troubled ? [metric] : []))
    // One from a snapshot may not have its slot yet.
    const slots = troubled.map((metric) => this.#metrics.indexOf(metric)).filter((slot) => slot >= 0)
    this.calm = withoutCalm(this.#plan.calm.of(this.#metrics), slots)
  }

  /** In an order that does not depend on which was in trouble first. */
  #byMetric(): [MetricName, SeriesWatch][] {
    return [...this.#series].sort(([a], [b]) => (a < b ? -1 : 1))
  }
}
