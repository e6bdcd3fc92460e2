import type { MetricName } from '../model/index.ts'
import type { SeriesPlan } from './compile.ts'

/** Orders of metrics kept of one plan: devices of one make have one. The columns of others are worked out for each device. */
const layoutsKept = 256

/**
 * Which values change nothing while no level holds, as columns: the least and the greatest value of each series, side by
 * side. Devices with the same plan and the same metrics share them, so that what every reading is compared with stays in
 * the processor's cache, however many devices there are.
 */
export class CalmColumns {
  readonly #plans: ReadonlyMap<MetricName, SeriesPlan>
  readonly #layouts = new Map<string, Float64Array>()

  constructor(plans: ReadonlyMap<MetricName, SeriesPlan>) {
    this.#plans = plans
  }

  of(metrics: readonly MetricName[]): Float64Array {
    // No metric's name has a comma.
    const key = metrics.join()
    const known = this.#layouts.get(key)
    if (known !== undefined) return known
    const columns = new Float64Array(2 * metrics.length)
    metrics.forEach((metric, slot) => {
      const { safeMin, safeMax } = this.#plans.get(metric) ?? unwatched
      columns[2 * slot] = safeMin
      columns[2 * slot + 1] = safeMax
    })
    if (this.#layouts.size < layoutsKept) this.#layouts.set(key, columns)
    return columns
  }
}

const unwatched = { safeMin: Number.NEGATIVE_INFINITY, safeMax: Number.POSITIVE_INFINITY }

/** The same columns, but no value of these series changes nothing. */
export function withoutCalm(columns: Float64Array, slots: readonly number[]): Float64Array {
  if (slots.length === 0) return columns
  const own = columns.slice()
  for (const slot of slots) {
    own[2 * slot] = Number.POSITIVE_INFINITY
    own[2 * slot + 1] = Number.NEGATIVE_INFINITY
  }
  return own
}
