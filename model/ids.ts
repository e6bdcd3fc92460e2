import { AppError } from './errors.ts'

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

export type DeviceId = Branded<'DeviceId'>
export type SiteId = Branded<'SiteId'>
export type AssetId = Branded<'AssetId'>
export type ProfileId = Branded<'ProfileId'>
export type KeyId = Branded<'KeyId'>
export type MetricName = Branded<'MetricName'>
export type RuleId = Branded<'RuleId'>
export type AlertId = Branded<'AlertId'>

/** A small integer handed out once per (device, metric) and kept in state; from 1 on. */
export type SeriesId = number

/**
 * An id is one MQTT topic level and one URL path segment at once: 1 to 64 of `A-Z a-z 0-9 _ . : -`, beginning with a
 * letter or a digit.
 */
export const idPattern = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/
/** A metric's name begins with a letter and ends up as a column, an InfluxDB field and a rule's variable. */
export const metricNamePattern = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/

/** `pel/v1/alerts/…` is the alerts' branch, and `key:{id}` is the user name of an integrator. */
function isReservedDeviceId(text: string): boolean {
  return text === 'alerts' || text.startsWith('key:')
}

export function isDeviceId(text: string): text is DeviceId {
  return idPattern.test(text) && !isReservedDeviceId(text)
}

/** Members of native telemetry, and a name that a JavaScript object cannot hold: no metric may bear them. */
const reservedMetricNames: ReadonlySet<string> = new Set(['ts', 'values', '__proto__'])

export function isReservedMetricName(text: string): boolean {
  return reservedMetricNames.has(text)
}

export function isMetricName(text: string): text is MetricName {
  return metricNamePattern.test(text)
}

function idParser<Id extends string>(noun: string, accepts: (text: string) => boolean): (text: string) => Id {
  return (text) => {
    if (accepts(text)) return text as Id
    throw new AppError('invalid_input', `parse ${noun} ${JSON.stringify(text.slice(0, 80))} failed`)
  }
}

export const parseDeviceId = idParser<DeviceId>('device id', isDeviceId)
export const parseSiteId = idParser<SiteId>('site id', (text) => idPattern.test(text))
export const parseAssetId = idParser<AssetId>('asset id', (text) => idPattern.test(text))
export const parseProfileId = idParser<ProfileId>('profile id', (text) => idPattern.test(text))
export const parseKeyId = idParser<KeyId>('key id', (text) => idPattern.test(text))
export const parseMetricName = idParser<MetricName>('metric name', isMetricName)
export const parseRuleId = idParser<RuleId>('rule id', (text) => idPattern.test(text))
export const parseAlertId = idParser<AlertId>('alert id', (text) => idPattern.test(text))
