import type { DeviceHistory } from '../truth/history.ts'
import { receivedSpan } from '../truth/history.ts'
import type { Span } from '../truth/span.ts'

export interface StoredReading {
  readonly timeMs: number
  readonly value: number
}

/** What of one device's readings is as it should be, and what is not. */
export interface ReadingsVerdict {
  /** Readings, however often each was sent. */
  readonly sent: number
  readonly acked: number
  readonly stored: number
  /** Acknowledged and not stored. */
  readonly lost: number
  /** Stored once more than it was measured. */
  readonly doubled: number
  /** Stored and never sent, or with another value than was sent. */
  readonly foreign: number
  /** In words, the first few. */
  readonly problems: readonly string[]
}

interface Expected {
  value: number
  acked: boolean
  stored: boolean
}

/** A reading whose own time was not believed: it is stored when it arrived. */
interface ExpectedAtArrival extends Expected {
  arrived: Span
}

interface SeriesTruth {
  readonly byTime: Map<number, Expected>
  /** By the device's own time. */
  readonly atArrival: Map<number, ExpectedAtArrival>
}

const problemsTold = 3
/** Two values of one series in one millisecond of arrival are stored a millisecond apart. */
const arrivalToleranceMs = 5

/** Compares what one device sent with what is stored of it; `stored` gives a metric's readings. */
export async function compareReadings(
  device: DeviceHistory,
  stored: (metric: string) => Promise<readonly StoredReading[]>,
): Promise<ReadingsVerdict> {
  const counts = { sent: 0, acked: 0, stored: 0, lost: 0, doubled: 0, foreign: 0 }
  const problems: string[] = []
  for (const [metric, truth] of truthOf(device)) {
    const tell = (what: string, timeMs: number, value: number) => {
      if (problems.length < problemsTold)
        problems.push(`${device.deviceId} ${metric} ${new Date(timeMs).toISOString()} = ${value}: ${what}`)
    }
    for (const { timeMs, value } of await stored(metric)) {
      counts.stored++
      const expected = find(truth, timeMs, value)
      if (expected === undefined) {
        counts.foreign++
        tell('stored, but never sent so', timeMs, value)
      } else if (expected.stored) {
        counts.doubled++
        tell('stored twice', timeMs, value)
      } else expected.stored = true
    }
    for (const [timeMs, { value, acked, stored }] of [...truth.byTime, ...truth.atArrival]) {
      counts.sent++
      if (!acked) continue
      counts.acked++
      if (stored) continue
      counts.lost++
      tell('acknowledged, but not stored', timeMs, value)
    }
  }
  return { ...counts, problems }
}

/** What was sent, series by series. The same time again is the same reading, and the last value wins. */
function truthOf({ messages }: DeviceHistory): ReadonlyMap<string, SeriesTruth> {
  const series = new Map<string, SeriesTruth>()
  for (const message of messages) {
    const acked = message.ackedMs !== undefined
    for (const { timeMs, values, clock } of message.rows) {
      for (const [metric, value] of Object.entries(values)) {
        const truth = series.get(metric) ?? { byTime: new Map(), atArrival: new Map() }
        series.set(metric, truth)
        const known = (clock === 'ahead' ? truth.atArrival : truth.byTime).get(timeMs)
        if (known !== undefined) {
          known.value = value
          known.acked ||= acked
        } else if (clock === 'ahead')
          truth.atArrival.set(timeMs, { value, acked, stored: false, arrived: receivedSpan(message) })
        else truth.byTime.set(timeMs, { value, acked, stored: false })
      }
    }
  }
  return series
}

/** What a stored reading comes from; undefined: nothing that was sent. */
function find({ byTime, atArrival }: SeriesTruth, timeMs: number, value: number): Expected | undefined {
  const timed = byTime.get(timeMs)
  if (timed?.value === value) return timed
  const arrived = [...atArrival.values()].filter(
    (each) =>
      each.value === value &&
      timeMs >= each.arrived.fromMs - arrivalToleranceMs &&
      timeMs <= each.arrived.toMs + arrivalToleranceMs,
  )
  return arrived.find((each) => !each.stored) ?? arrived[0]
}
