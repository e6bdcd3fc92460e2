import { type MetricName, parseDeviceId, parseMetricName, parseProfileId } from './ids.ts'
import type { ProfileRecord } from './records.ts'
import { burnMetric, serviceLevels } from './service-level.ts'

export const metricKinds = ['gauge', 'register', 'state'] as const
export type MetricKind = (typeof metricKinds)[number]

export interface Metric {
  readonly name: MetricName
  /** UCUM, for instance `V`, `kWh`, `Cel`, `%`; `1` where there is none. */
  readonly unit: string
  readonly kind: MetricKind
  /** Valid range, inclusive; a value outside is suspect. For a register before its multiplier. */
  readonly min: number
  readonly max: number
  /** Largest believable change per second in the metric's unit; a faster one is suspect. Null: any. */
  readonly maxRatePerS: number | null
  /** Registers: decimal digits before the point, so it rolls over at 10^digits. Null for the others. */
  readonly digits: number | null
  /** Registers: what the register's step is multiplied with (CT ratio × VT ratio). 1 for the others. */
  readonly multiplier: number
}

const wholeMinuteMs = 60_000
const most1phW = 50_000
const most3phW = 1_500_000

function gauge(name: string, unit: string, min: number, max: number, maxRatePerS: number | null = null): Metric {
  return { name: parseMetricName(name), unit, kind: 'gauge', min, max, maxRatePerS, digits: null, multiplier: 1 }
}

/**
 * A register that counts kWh at up to `mostW`, the largest power of its profile. It is believed at twice that rate:
 * registers step by whole digits, and a step that waited for its digit looks like more power than there was.
 */
function energyRegister(name: string, mostW: number, digits = 8): Metric {
  const max = 10 ** digits
  const maxRatePerS = (2 * mostW) / 1000 / 3600
  return { name: parseMetricName(name), unit: 'kWh', kind: 'register', min: 0, max, maxRatePerS, digits, multiplier: 1 }
}

function profile(
  id: string,
  name: string,
  metrics: readonly Metric[],
  reportingIntervalMs = wholeMinuteMs,
): ProfileRecord {
  return { id: parseProfileId(id), name, reportingIntervalMs, metrics }
}

/** Bytes up to a petabyte: beyond it a value is a mistake, not a disk. */
function bytes(name: string): Metric {
  return gauge(name, 'By', 0, 1e15)
}

/** A number of things, of no unit. */
function count(name: string): Metric {
  return gauge(name, '1', 0, 1e9)
}

/** The built-in device whose readings are the platform's own metrics. Nobody connects as it: it never gets a token. */
export const platformDeviceId = parseDeviceId('platform')

/** Made at the first start. Each range contains the limits of the profile's default rule pack. */
export const builtInProfiles: readonly ProfileRecord[] = [
  profile('meter-1ph', 'Single-phase meter', [
    gauge('voltage', 'V', 0, 400),
    gauge('current', 'A', 0, 200),
    gauge('power', 'W', -most1phW, most1phW),
    energyRegister('energy', most1phW),
    gauge('power_factor', '1', -1, 1),
    gauge('frequency', 'Hz', 40, 70),
  ]),
  profile('meter-3ph', 'Three-phase meter', [
    ...['voltage_l1', 'voltage_l2', 'voltage_l3'].map((name) => gauge(name, 'V', 0, 400)),
    ...['voltage_l12', 'voltage_l23', 'voltage_l31'].map((name) => gauge(name, 'V', 0, 700)),
    ...['current_l1', 'current_l2', 'current_l3'].map((name) => gauge(name, 'A', 0, 2_000)),
    gauge('power', 'W', -most3phW, most3phW),
    gauge('reactive_power', 'var', -most3phW, most3phW),
    gauge('apparent_power', 'V.A', 0, most3phW),
    energyRegister('energy', most3phW),
    energyRegister('energy_export', most3phW),
    gauge('power_factor', '1', -1, 1),
    gauge('frequency', 'Hz', 40, 70),
  ]),
  profile('transformer', 'Transformer', [
    gauge('temperature', 'Cel', -40, 200, 5),
    gauge('load', '%', 0, 300),
    gauge('voltage_primary', 'V', 0, 40_000),
    gauge('voltage_secondary', 'V', 0, 700),
  ]),
  profile('weather-station', 'Weather station', [
    gauge('temperature', 'Cel', -60, 70, 2),
    gauge('humidity', '%', 0, 100),
    gauge('pressure', 'hPa', 800, 1_100, 5),
    gauge('wind_speed', 'km/h', 0, 400),
  ]),
  profile(
    'platform',
    'The platform itself',
    [
      bytes('log_lag_bytes'),
      bytes('log_bytes'),
      gauge('disk_free', '%', 0, 100),
      bytes('memory_rss'),
      gauge('acks_per_s', '/s', 0, 1e7),
      gauge('messages_per_s', '/s', 0, 1e7),
      // Attempts that failed since the reading before.
      count('mail_failures'),
      count('mails_waiting'),
      // 1: the readings store refuses writes.
      { ...gauge('store_down', '1', 0, 1), kind: 'state' },
      // How many times faster than its target allows each service level failed during the last hour.
      ...serviceLevels.map(({ name }) => gauge(burnMetric(name), '1', 0, 10_000)),
    ],
    10_000,
  ),
]

/** The profile's metric of that name, or undefined: then it is a discovered one. */
export function findMetric(profile: ProfileRecord, name: MetricName | string): Metric | undefined {
  return profile.metrics.find((metric) => metric.name === name)
}
