import type { MetricName, ResolveReason, RuleId } from '../model/index.ts'
import type { DevicePlan } from './compile.ts'
import { type SilenceState, SilenceWatch } from './no-data.ts'
import type { WatchedDevice } from './records.ts'
import { type SeriesState, SeriesWatch } from './series-watch.ts'
import type { Surroundings } from './standing.ts'

export interface DeviceState {
  readonly silence: SilenceState
  /** By metric; of series that have been heard. */
  readonly series: readonly (readonly [MetricName, SeriesState])[]
}

const nothing: DevicePlan = { series: new Map(), noData: [] }

/** Everything that is watched of one device. */
export class DeviceWatch {
  device: WatchedDevice
  readonly silence: SilenceWatch
  readonly #series = new Map<MetricName, SeriesWatch>()
  readonly #around: Surroundings
  #plan = nothing

  constructor(device: WatchedDevice, around: Surroundings) {
    this.device = device
    this.silence = new SilenceWatch(device, around)
    this.#around = around
  }

  /** Undefined: no rule is about it. */
  series(metric: MetricName): SeriesWatch | undefined {
    const known = this.#series.get(metric)
    const plan = this.#plan.series.get(metric)
    if (known !== undefined || plan === undefined) return known
    const watch = new SeriesWatch(this.device, metric, plan, this.#around)
    this.#series.set(metric, watch)
    return watch
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
  }

  remove(reason: ResolveReason): void {
    this.follow(this.device, nothing, () => reason)
  }

  state(): DeviceState {
    return {
      silence: this.silence.state(),
      series: this.#byMetric().flatMap(([metric, watch]) => (watch.heard ? [[metric, watch.state()]] : [])),
    }
  }

  /** Of a fresh one, with the plan that it had when the state was taken. */
  restore(plan: DevicePlan, { silence, series }: DeviceState): void {
    this.#plan = plan
    this.silence.restore(silence, plan.noData)
    for (const [metric, state] of series) this.series(metric)?.restore(state)
  }

  /** In an order that does not depend on which was heard first. */
  #byMetric(): [MetricName, SeriesWatch][] {
    return [...this.#series].sort(([a], [b]) => (a < b ? -1 : 1))
  }
}
