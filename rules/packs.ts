import {
  type Comparison,
  parseMetricName,
  parseProfileId,
  parseRuleId,
  type RuleCondition,
  type RuleLevel,
  type RuleRecord,
} from '../model/index.ts'

const minuteMs = 60_000
const mebi = 1024 * 1024

type Limit = readonly [value: number, clear: number]

/**
 * The rules that a fresh platform starts with, from the field. They are ordinary rules: seeded once, then anybody's to
 * edit. Limits are those of 220/380 V and 230 V grids; every level clears a little inside its limit, so that a value
 * that trembles around it is one alert.
 *
 * Not here, because it takes more than the newest reading of one series: voltage imbalance above 2 % (an expression
 * over three series). Power factor below 0.85 is judged as the meter signs it; a meter that counts export as negative
 * wants an expression too.
 */
export const defaultRules: readonly RuleRecord[] = [
  ...['l12', 'l23', 'l31'].flatMap((line) => lineToLine(line)),
  ...['l1', 'l2', 'l3'].flatMap((phase) => [
    ...phaseToNeutral('meter-3ph', `voltage_${phase}`, phase),
    overcurrent('meter-3ph', `current_${phase}`, phase),
  ]),
  rule('meter-3ph', 'overload', 'Overload', above('power', [95_000, 92_000], [105_000, 102_000])),
  lowPowerFactor('meter-3ph'),
  silence('meter-3ph'),

  ...phaseToNeutral('meter-1ph', 'voltage'),
  overcurrent('meter-1ph', 'current'),
  lowPowerFactor('meter-1ph'),
  silence('meter-1ph'),

  rule('transformer', 'hot', 'Transformer hot', above('temperature', [65, 62], [75, 72])),
  rule('transformer', 'overload', 'Transformer overload', above('load', [80, 77], [100, 97])),
  silence('transformer'),

  rule('weather-station', 'hot', 'Hot weather', above('temperature', [30, 29])),
  rule('weather-station', 'humid', 'Humid air', above('humidity', [80, 77])),
  rule('weather-station', 'wind', 'Strong wind', {
    metric: parseMetricName('wind_speed'),
    op: '>',
    levels: [{ severity: 'critical', value: 20, clear: 17 }],
  }),
  silence('weather-station'),

  ...platformRules(),
]

function lineToLine(line: string): RuleRecord[] {
  const metric = `voltage_${line}`
  const name = line.toUpperCase()
  return [
    rule('meter-3ph', `overvoltage-${line}`, `Overvoltage ${name}`, above(metric, [440, 435], [460, 455])),
    rule('meter-3ph', `undervoltage-${line}`, `Undervoltage ${name}`, below(metric, [360, 365], [340, 345])),
  ]
}

function phaseToNeutral(profile: string, metric: string, phase = ''): RuleRecord[] {
  const over = above(metric, [253, 250], [264, 261])
  const under = below(metric, [207, 210], [196, 199])
  return [
    rule(profile, suffixed('overvoltage', phase), titled('Overvoltage', phase), over),
    rule(profile, suffixed('undervoltage', phase), titled('Undervoltage', phase), under),
  ]
}

function overcurrent(profile: string, metric: string, phase = ''): RuleRecord {
  const condition = above(metric, [60, 57], [70, 67])
  return rule(profile, suffixed('overcurrent', phase), titled('Overcurrent', phase), condition)
}

/** A motor that starts has a poor power factor for seconds; it costs money when it stays poor. */
function lowPowerFactor(profile: string): RuleRecord {
  return rule(profile, 'power-factor', 'Low power factor', below('power_factor', [0.85, 0.87]), 15 * minuteMs)
}

function silence(profile: string): RuleRecord {
  return rule(profile, 'no-data', 'No data', { noData: { intervals: 3, severity: 'warning' } })
}

/** The platform about itself: its metrics are readings of the device `platform`. */
function platformRules(): RuleRecord[] {
  const down = above('store_down', [0, 0])
  return [
    rule('platform', 'disk', 'Disk nearly full', below('disk_free', [10, 12], [5, 6])),
    rule('platform', 'lag', 'Processing lags', above('log_lag_bytes', [64 * mebi, 16 * mebi]), minuteMs),
    rule('platform', 'store', 'Readings store refuses writes', down, minuteMs),
    rule('platform', 'mail-failures', 'Mail attempts fail', above('mail_failures', [0, 0]), minuteMs),
    rule('platform', 'mail-waiting', 'Mails wait', above('mails_waiting', [100, 50]), 5 * minuteMs),
    ...serviceRules(),
    silence('platform'),
  ]
}

/**
 * A service level that fails so fast that the target of a month is missed within days: at 14.4 times what the target allows
 * two days' worth of it goes in an hour (Google SRE workbook, ch. 5). Not the cache's: it may miss so often that it could never
 * burn that fast. Uptime is judged when the platform is back.
 */
function serviceRules(): RuleRecord[] {
  const burn = (what: string, name: string, warning: Limit, critical?: Limit) =>
    rule('platform', `burn-${what}`, name, above(`burn_${what.replaceAll('-', '_')}`, warning, critical), 5 * minuteMs)
  return [
    burn('errors', 'Requests fail', [6, 5], [14.4, 12]),
    burn('email-success', 'Mails are given up', [6, 5], [14.4, 12]),
    burn('uptime', 'The platform was down', [14.4, 12]),
    burn('api-p95', 'The API is slow', [6, 5], [14.4, 12]),
    burn('alert-response-p95', 'People hear of alerts late', [6, 5], [14.4, 12]),
  ]
}

function above(metric: string, warning: Limit, critical?: Limit): RuleCondition {
  return condition(metric, '>', warning, critical)
}

function below(metric: string, warning: Limit, critical?: Limit): RuleCondition {
  return condition(metric, '<', warning, critical)
}

function condition(metric: string, op: Comparison, warning: Limit, critical: Limit | undefined): RuleCondition {
  const levels: RuleLevel[] = [{ severity: 'warning', value: warning[0], clear: warning[1] }]
  if (critical !== undefined) levels.push({ severity: 'critical', value: critical[0], clear: critical[1] })
  return { metric: parseMetricName(metric), op, levels }
}

function rule(profile: string, what: string, name: string, condition: RuleCondition, forMs = 0): RuleRecord {
  return {
    id: parseRuleId(`${profile}-${what}`),
    name,
    version: 1,
    enabled: true,
    appliesTo: { profile: parseProfileId(profile) },
    condition,
    forMs,
    keepFiringForMs: 0,
  }
}

function suffixed(what: string, phase: string): string {
  return phase === '' ? what : `${what}-${phase}`
}

function titled(what: string, phase: string): string {
  return phase === '' ? what : `${what} ${phase.toUpperCase()}`
}
