const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** Share of the day's peak at each full hour: people rise, leave, come home, cook, sleep. */
const evening = [34, 30, 28, 27, 29, 38, 52, 58, 48, 42, 41, 44, 47, 44, 42, 44, 52, 68, 88, 100, 97, 84, 62, 44]
/** An office or a workshop: flat by night, high from eight to five, a dip at noon. */
const working = [22, 21, 20, 20, 21, 24, 38, 66, 90, 97, 100, 96, 82, 94, 98, 95, 86, 62, 42, 34, 30, 27, 25, 23]

export const loadShapes = { evening, working } as const
export type LoadShape = keyof typeof loadShapes

/** Share in [0, 1] of the daily peak at that time, interpolated between the hours. */
export function loadShare(shape: LoadShape, timeMs: number, utcOffsetMs: number): number {
  const hour = timeOfDayMs(timeMs, utcOffsetMs) / hourMs
  const table = loadShapes[shape]
  const before = table[Math.floor(hour) % 24] ?? 0
  const after = table[Math.floor(hour + 1) % 24] ?? 0
  const share = hour - Math.floor(hour)
  return (before * (1 - share) + after * share) / 100
}

/** A sine over the day in [-1, 1], highest at `peakHour`: sun, warmth, humidity. */
export function daySine(timeMs: number, utcOffsetMs: number, peakHour: number): number {
  return Math.cos((2 * Math.PI * (timeOfDayMs(timeMs, utcOffsetMs) - peakHour * hourMs)) / dayMs)
}

function timeOfDayMs(timeMs: number, utcOffsetMs: number): number {
  return (((timeMs + utcOffsetMs) % dayMs) + dayMs) % dayMs
}
