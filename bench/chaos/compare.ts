import type { SentReading } from './ledger.ts'

export interface StoredReading {
  readonly deviceId: string
  readonly metric: string
  readonly timeMs: number
  readonly value: number
}

export interface Verdict {
  /** Readings with an acknowledgement. */
  readonly acked: number
  /** Acknowledged and not stored. */
  readonly lost: readonly SentReading[]
  /** Stored once more than it was sent; each surplus one is listed. */
  readonly doubled: readonly StoredReading[]
  /** Stored and never sent, or with another value than was sent. */
  readonly foreign: readonly StoredReading[]
}

/**
 * What was sent against what is stored. A reading with a time is known by device, metric and time; one without by
 * device, metric and its value, which no other has. Sent and not acknowledged may be there once, or not.
 */
export function compareReadings(sent: readonly SentReading[], stored: readonly StoredReading[]): Verdict {
  const timed = new Map<string, SentReading>()
  const untimed = new Map<string, SentReading>()
  for (const reading of sent) {
    if (reading.timeMs === undefined) untimed.set(keyOf(reading, reading.value), reading)
    else timed.set(keyOf(reading, reading.timeMs), reading)
  }
  const seen = new Set<SentReading>()
  const doubled: StoredReading[] = []
  const foreign: StoredReading[] = []
  for (const reading of stored) {
    const origin = timed.get(keyOf(reading, reading.timeMs)) ?? untimed.get(keyOf(reading, reading.value))
    if (origin === undefined || origin.value !== reading.value) foreign.push(reading)
    else if (seen.has(origin)) doubled.push(reading)
    else seen.add(origin)
  }
  const acked = sent.filter((reading) => reading.acked)
  return { acked: acked.length, lost: acked.filter((reading) => !seen.has(reading)), doubled, foreign }
}

function keyOf({ deviceId, metric }: { deviceId: string; metric: string }, distinct: number): string {
  return `${deviceId} ${metric} ${distinct}`
}
