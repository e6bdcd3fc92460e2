import { Temporal } from 'temporal-polyfill'

/** UCUM codes that people do not write (product's own metrics use no others). */
const units: Readonly<Record<string, string>> = { Cel: '°C', 'V.A': 'VA', deg: '°', '1': '' }
const bytePrefixes = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const
const sixDigits = new Intl.NumberFormat('en', { maximumSignificantDigits: 6 })
const threeDigits = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })

export function formatNumber(value: number): string {
  return sixDigits.format(value)
}

/** `465.2 V`, `80 %`, `1.5 GB`. */
export function formatQuantity(value: number, unit: string): string {
  if (unit === 'By') return formatBytes(value)
  const written = units[unit] ?? unit
  if (written === '') return formatNumber(value)
  return written.startsWith('/') ? `${formatNumber(value)}${written}` : `${formatNumber(value)} ${written}`
}

function formatBytes(value: number): string {
  const power = value < 1_000 ? 0 : Math.min(Math.floor(Math.log10(value) / 3), bytePrefixes.length - 1)
  return `${threeDigits.format(value / 1_000 ** power)} ${bytePrefixes[power]}`
}

/** `45 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`: the two largest parts, the smaller one only where it is something. */
export function formatDuration(ms: number): string {
  if (ms > 0 && ms < 1_000) return `${Math.ceil(ms)} ms`
  const seconds = Math.max(0, Math.round(ms / 1_000))
  const parts = [
    { amount: Math.floor(seconds / 86_400), unit: 'd' },
    { amount: Math.floor(seconds / 3_600) % 24, unit: 'h' },
    { amount: Math.floor(seconds / 60) % 60, unit: 'min' },
    { amount: seconds % 60, unit: 's' },
  ]
  const first = parts.findIndex(({ amount }) => amount > 0)
  if (first === -1) return '0 s'
  return parts
    .slice(first, first + 2)
    .filter(({ amount }) => amount > 0)
    .map(({ amount, unit }) => `${amount} ${unit}`)
    .join(' ')
}

export interface CalendarNames {
  /** Monday first. */
  readonly weekdays: readonly string[]
  readonly months: readonly string[]
}

export interface LocalTime {
  /** `14:05:09`. */
  readonly time: string
  /** `Mon 23 Nov 2026`. */
  readonly date: string
  /** `Asia/Jakarta, UTC+07:00`. */
  readonly zone: string
}

/** A moment as the site's clocks show it; a zone that this system does not know is shown as UTC. */
export function localTime(timeMs: number, timeZone: string, names: CalendarNames): LocalTime {
  const instant = Temporal.Instant.fromEpochMilliseconds(Math.round(timeMs))
  let local: Temporal.ZonedDateTime
  try {
    local = instant.toZonedDateTimeISO(timeZone)
  } catch {
    return localTime(timeMs, 'UTC', names)
  }
  const weekday = names.weekdays[local.dayOfWeek - 1]
  const month = names.months[local.month - 1]
  return {
    time: local.toPlainTime().toString({ smallestUnit: 'second' }),
    date: `${weekday} ${local.day} ${month} ${local.year}`,
    zone: timeZone === 'UTC' ? 'UTC' : `${timeZone}, UTC${local.offset}`,
  }
}

/** `voltage_l12` → `Voltage L12`; a name that follows no such habit stays as it is. */
export function metricLabel(metric: string): string {
  const words = metric.split('_').filter((word) => word !== '')
  if (words.length === 0) return metric
  const [first = '', ...rest] = words.map((word) => (/^l\d+$/.test(word) ? word.toUpperCase() : word))
  return [first.charAt(0).toUpperCase() + first.slice(1), ...rest].join(' ')
}
