import { createLatencyHistogram, type LatencyHistogram } from './latency-histogram.ts'

/** What is counted of the platform's service. */
export const serviceMeasures = ['api', 'cache', 'mail', 'alert'] as const
export type ServiceMeasure = (typeof serviceMeasures)[number]

/** Events of one measure in some stretch of time. */
export interface ServiceCounts {
  total: number
  /** `api`: answers of 5xx. `cache`: misses. `mail`: given up. `alert`: none. */
  bad: number
  /** `api`: from the request to the head of its answer. `alert`: from its message's arrival to the provider's acceptance. */
  readonly durations: LatencyHistogram
}

/** How long the platform was up in a stretch of time. */
export interface Uptime {
  readonly upMs: number
  /** Of the stretch, what lies behind the platform's very first start. */
  readonly ofMs: number
}

export interface ServiceRecord {
  readonly counts: Readonly<Record<ServiceMeasure, ServiceCounts>>
  readonly uptime: Uptime
}

export const serviceWindows = { '1h': 3_600_000, '24h': 86_400_000, '30d': 30 * 86_400_000 } as const
export type ServiceWindow = keyof typeof serviceWindows

/** How often the platform records that it is alive. */
export const heartbeatMs = 5_000
/** Under so many samples a value says more about chance than about the service. */
const fewestSamples = 100
/** Percentiles of service levels are the 95th: one in twenty may take longer. */
const percentile = 0.95

export interface ServiceLevel {
  readonly name: 'api_p95' | 'cache_hit' | 'uptime' | 'errors' | 'email_success' | 'alert_response_p95'
  readonly unit: 'ms' | '%'
  /** Which side of `target` is good; the target itself is not. */
  readonly op: '<' | '>'
  readonly target: number
  samples(record: ServiceRecord): number
  /** Of at least one sample. */
  value(record: ServiceRecord): number
  /** Share of bad events (0 to 1), and the share that the target allows. */
  badShare(record: ServiceRecord): number
  readonly budget: number
}

export const serviceLevels: readonly ServiceLevel[] = [
  latency('api_p95', 'api', 50),
  share('cache_hit', 'cache', { op: '>', target: 85 }),
  {
    name: 'uptime',
    unit: '%',
    op: '>',
    target: 99.9,
    samples: ({ uptime }) => Math.floor(uptime.ofMs / heartbeatMs),
    value: ({ uptime }) => (100 * uptime.upMs) / uptime.ofMs,
    badShare: ({ uptime }) => 1 - uptime.upMs / uptime.ofMs,
    budget: 0.001,
  },
  share('errors', 'api', { op: '<', target: 0.1 }),
  share('email_success', 'mail', { op: '>', target: 99.5 }),
  latency('alert_response_p95', 'alert', 60_000),
]

function latency(name: ServiceLevel['name'], measure: ServiceMeasure, target: number): ServiceLevel {
  return {
    name,
    unit: 'ms',
    op: '<',
    target,
    samples: ({ counts }) => counts[measure].durations.count,
    value: ({ counts }) => counts[measure].durations.percentileMs(percentile),
    badShare: ({ counts: { [measure]: of } }) => of.durations.countAbove(target) / of.durations.count,
    budget: 1 - percentile,
  }
}

/** `<`: the share of bad events in percent; `>`: that of good ones. */
function share(
  name: ServiceLevel['name'],
  measure: ServiceMeasure,
  { op, target }: Pick<ServiceLevel, 'op' | 'target'>,
): ServiceLevel {
  const badShare = ({ counts: { [measure]: of } }: ServiceRecord) => of.bad / of.total
  return {
    name,
    unit: '%',
    op,
    target,
    samples: ({ counts }) => counts[measure].total,
    value: (record) => 100 * (op === '<' ? badShare(record) : 1 - badShare(record)),
    badShare,
    budget: (op === '<' ? target : 100 - target) / 100,
  }
}

export interface ServiceFinding {
  readonly samples: number
  /** In the level's unit; null under 100 samples. */
  readonly value: number | null
  /** Null where there is no value. */
  readonly met: boolean | null
}

export function findService(level: ServiceLevel, record: ServiceRecord): ServiceFinding {
  const samples = level.samples(record)
  if (samples < fewestSamples) return { samples, value: null, met: null }
  const value = level.value(record)
  return { samples, value, met: level.op === '<' ? value < level.target : value > level.target }
}

/**
 * How many times faster than the target allows the service fails: 1 uses up in 30 days exactly what they may hold of
 * bad events (burn rate, Google SRE workbook, ch. 5). 0 under 100 samples.
 */
export function burnRate(level: ServiceLevel, record: ServiceRecord): number {
  return level.samples(record) < fewestSamples ? 0 : level.badShare(record) / level.budget
}

/** The metric of the device `platform` that holds a level's burn rate over the last hour. */
export function burnMetric(name: ServiceLevel['name']): string {
  return `burn_${name}`
}

export function emptyCounts(): Record<ServiceMeasure, ServiceCounts> {
  const none = (): ServiceCounts => ({ total: 0, bad: 0, durations: createLatencyHistogram() })
  return { api: none(), cache: none(), mail: none(), alert: none() }
}
