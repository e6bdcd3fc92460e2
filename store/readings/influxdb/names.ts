/** How things are called in InfluxDB, in line protocol and in InfluxQL. */

export const deviceTag = 'device'
/** Only on series of a device that bears the id of one removed before it. */
export const deviceNumberTag = 'device_number'
/** When the last message with a value of this point was received, epoch ms. */
export const receivedField = 'received_ms'
/** The device's own time where it is not the point's, epoch ms. */
export const deviceTimeField = 'device_time_ms'

/** Names of ours, and `time`: InfluxDB drops a point with a field so named, without an error. */
const taken: ReadonlySet<string> = new Set(['time', deviceTag, deviceNumberTag, receivedField, deviceTimeField])
const qualitySuffix = '__q'

/** A metric's field bears its name, unless that is taken or looks like the quality of another. No metric has a dot in its name. */
function isPlain(metric: string): boolean {
  return !taken.has(metric) && !metric.endsWith(qualitySuffix) && !metric.includes('.')
}

export function valueField(metric: string): string {
  return isPlain(metric) ? metric : `metric.${metric}`
}

export function qualityField(metric: string): string {
  return isPlain(metric) ? `${metric}${qualitySuffix}` : `quality.${metric}`
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a line cannot hold
const notCarried = /[%\\\u0000-\u001f\u007f]|^#/g

/**
 * Line protocol can carry neither a line break nor a backslash everywhere: they are written as %0A and %5C, and a percent
 * sign as %25. Ids and metrics that a parser has passed hold none of them.
 */
export function carried(name: string): string {
  return name.replace(notCarried, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}

export function lineMeasurement(name: string): string {
  return lineMeasurementCarried(carried(name))
}

/** The same of a name as InfluxDB tells it. */
export function lineMeasurementCarried(name: string): string {
  return name.replace(/[, ]/g, '\\$&')
}

/** Of tags and fields; a tag's value is written the same. */
export function lineKey(name: string): string {
  return lineKeyCarried(carried(name))
}

/** The same of a name as InfluxDB tells it. */
export function lineKeyCarried(name: string): string {
  return name.replace(/[,= ]/g, '\\$&')
}

/** In double quotes, as InfluxQL writes measurements, fields and tags. */
export function quoteName(name: string): string {
  return quoteCarried(carried(name))
}

/** The same of a name as InfluxDB tells it. */
export function quoteCarried(name: string): string {
  return `"${name.replace(/"/g, '\\"')}"`
}

/** In single quotes: the value of a tag. */
export function quoteText(text: string): string {
  return quoteCarriedText(carried(text))
}

/** The same of a text as InfluxDB tells it. */
export function quoteCarriedText(text: string): string {
  return `'${text.replace(/'/g, "\\'")}'`
}

/** Rollups of a quarter of an hour, and of an hour for years: there are four times fewer of them. */
export type RollupLevel = '15m' | '1h'

/** Of the rollups of a measurement; a name that no profile can have. */
export function rolledMeasurement(measurement: string, level: RollupLevel): string {
  return `pelbiot ${level} ${measurement}`
}

export function isRolledMeasurement(measurement: string): boolean {
  return /^pelbiot (15m|1h) /.test(measurement)
}

/** What a rollup says of a metric, each in a field of its own: `voltage__count`. */
export const rolledParts = ['count', 'sum', 'min', 'max', 'first', 'last'] as const

/** `field` is the metric's in the readings. */
export function rolledField(field: string, part: (typeof rolledParts)[number]): string {
  return `${field}__${part}`
}

/** Whether a field of ours, as InfluxDB tells it, holds a metric's values. */
export function isValueField(field: string): boolean {
  return !taken.has(field) && !field.endsWith(qualitySuffix) && !field.startsWith('quality.')
}
