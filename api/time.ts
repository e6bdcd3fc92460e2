import { z } from 'zod'
import { millisecondsOf } from '../model/index.ts'

/** The last millisecond that a Date can name. */
export const maxTimeMs = 8.64e15
const rfc3339 = z.iso.datetime({ offset: true })

/**
 * RFC 3339 with a zone, or milliseconds or seconds since 1970, told apart as a device's `ts`; undefined for anything
 * else. A `+` of a zone that a query string has turned into a space is understood.
 */
export function parseTime(text: string): number | undefined {
  if (/^\d{1,16}$/.test(text)) {
    const timeMs = millisecondsOf(Number(text))
    return timeMs <= maxTimeMs ? timeMs : undefined
  }
  const iso = rfc3339.safeParse(text.toUpperCase().replace(/ (?=\d\d:\d\d$)/, '+'))
  if (!iso.success) return undefined
  const timeMs = Date.parse(iso.data)
  return timeMs >= 0 ? timeMs : undefined
}

/** `2026-11-23T10:00:00.000Z` */
export function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

const dayMs = 86_400_000
const twoDigits = Array.from({ length: 60 }, (_, i) => String(i).padStart(2, '0'))
const threeDigits = Array.from({ length: 1_000 }, (_, i) => String(i).padStart(3, '0'))

/** A `formatTime` for many whole times, of which each is mostly of the same UTC day as the one before, or the same. */
export function createTimeFormat(): (timeMs: number) => string {
  let startMs = Number.NaN
  let day = ''
  let lastMs = Number.NaN
  let last = ''
  return (timeMs) => {
    if (timeMs === lastMs) return last
    let inDayMs = timeMs - startMs
    if (!(inDayMs >= 0 && inDayMs < dayMs)) {
      startMs = Math.floor(timeMs / dayMs) * dayMs
      day = formatTime(startMs).slice(0, -'00:00:00.000Z'.length)
      inDayMs = timeMs - startMs
    }
    const inDayS = Math.floor(inDayMs / 1_000)
    const clock = `${twoDigits[Math.floor(inDayS / 3_600)]}:${twoDigits[Math.floor(inDayS / 60) % 60]}:${twoDigits[inDayS % 60]}`
    lastMs = timeMs
    last = `${day}${clock}.${threeDigits[Math.floor(inDayMs - inDayS * 1_000)]}Z`
    return last
  }
}
