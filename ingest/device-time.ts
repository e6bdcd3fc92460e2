import { millisecondsOf } from '../model/index.ts'

/** RFC 3339, section 5.6; the `T` and `Z` in either case. */
const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/

/** What a device wrote as `ts`, as epoch ms: a number (seconds or ms) or RFC 3339; undefined: neither. */
export function parseDeviceTime(ts: unknown): number | undefined {
  if (typeof ts === 'number') return Number.isFinite(ts) ? millisecondsOf(ts) : undefined
  return typeof ts === 'string' ? parseRfc3339(ts) : undefined
}

function parseRfc3339(text: string): number | undefined {
  const match = rfc3339.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second, fraction = '', sign, offsetHour, offsetMinute] = match
  const [h, m, s, oh, om] = [hour, minute, second, offsetHour ?? 0, offsetMinute ?? 0].map(Number)
  if (h === undefined || m === undefined || s === undefined || oh === undefined || om === undefined) return undefined
  // A leap second (60) is counted as the second after it, as POSIX time does.
  if (h > 23 || m > 59 || s > 60 || oh > 23 || om > 59) return undefined
  const midnight = new Date(0)
  midnight.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  // 30 February rolls over into March and is no date.
  if (midnight.getUTCMonth() !== Number(month) - 1 || midnight.getUTCDate() !== Number(day)) return undefined
  const offsetMinutes = (oh * 60 + om) * (sign === '-' ? -1 : 1)
  const milliseconds = Math.round(Number(`0.${fraction}0`) * 1000)
  return midnight.getTime() + ((h * 60 + m - offsetMinutes) * 60 + s) * 1000 + milliseconds
}
