import { AppError, type Quality, ReadingBatchBuilder, type SeriesId } from '../../model/index.ts'
import type { LogPosition } from '../../store/log/index.ts'
import type { ReadingColumns, ReadingStore, RollableStore } from '../../store/readings/index.ts'
import { copyOutlived } from './outlived.ts'
import { type DevicePart, differenceIn, planCopy } from './plan.ts'
import type { CopyProgress } from './progress-file.ts'

export interface CopyDeps {
  readonly from: ReadingStore & RollableStore
  readonly to: ReadingStore & RollableStore
  /** The log that both must be made from. */
  readonly logId: string
  /** How far an earlier attempt came, and where to say how far this one is. */
  readonly progress: CopyProgress
  /** Of everything that is known of: all series. */
  readonly series: Parameters<typeof planCopy>[1]
  onCounted(done: number, of: number): void
  onCopied(readings: number, of: number): void
  onVerified(series: number, of: number): void
}

export interface CopyResult {
  readonly series: number
  readonly readings: number
  /** Readings that the other store will never take, and what it said first. */
  readonly refused: number
  readonly refusal: string | undefined
  /** In words; empty when both have the same. */
  readonly differences: readonly string[]
}

const dayMs = 86_400_000
const differencesTold = 20

/**
 * Copies all readings from one open store to another, device by device and day by day, and compares counts and sums. What
 * an earlier attempt has copied is left out; what it may have copied is written again, which changes nothing.
 */
export async function copyReadings(deps: CopyDeps): Promise<CopyResult> {
  const { from, to, logId, series, progress, onCounted, onCopied, onVerified } = deps
  const reached = await openOf(logId, 'copy from', from)
  const before = await openOf(logId, 'copy to', to)
  const parts = await planCopy(from, series, onCounted)
  const all = parts.flatMap(({ totals }) => totals)
  const readings = all.reduce((sum, { count }) => sum + count, 0)
  let copied = 0
  let refused = 0
  let refusal: string | undefined

  const resume = progress.read()
  for (const part of parts) {
    const count = part.totals.reduce((sum, total) => sum + total.count, 0)
    if (part.deviceNumber < resume.deviceNumber) {
      copied += count
      onCopied(copied, readings)
      continue
    }
    const start = part.deviceNumber === resume.deviceNumber ? resume.nextMs : Number.NEGATIVE_INFINITY
    for await (const { batch, nextMs } of daysOf(from, part, start)) {
      const outcome = await to.write(batch, before)
      refused += outcome.refused.length
      refusal ??= outcome.refused[0]?.reason
      progress.write({ deviceNumber: part.deviceNumber, nextMs })
      copied += batch.length
      onCopied(copied, readings)
    }
  }
  const differences: string[] = []
  for (const [i, total] of all.entries()) {
    const difference = await differenceIn(to, total)
    if (difference !== undefined) differences.push(difference)
    onVerified(i + 1, all.length)
  }
  differences.push(...(await copyOutlived({ from, to, series })))
  // Only now it has everything that the first one has, up to there.
  if (differences.length === 0) await to.write(new ReadingBatchBuilder(1), Math.max(before, reached))
  // What differs is not there, whatever was written: another attempt begins at the beginning.
  progress.remove()
  return { series: all.length, readings, refused, refusal, differences: differences.slice(0, differencesTold) }
}

/** Resolves with how far the store goes. */
async function openOf(logId: string, action: string, store: ReadingStore): Promise<LogPosition> {
  const marks = await store.open()
  if (marks.logId === undefined || marks.logId === logId) return marks.position
  throw new AppError(
    'store_failed',
    `${action} a store failed: its readings are another platform's, from log ${marks.logId}`,
  )
}

interface Day {
  readonly batch: ReadingBatchBuilder
  readonly nextMs: number
}

/** Days without readings are stepped over. */
async function* daysOf(store: ReadingStore, { totals }: DevicePart, startMs: number): AsyncGenerator<Day> {
  const batch = new ReadingBatchBuilder(8_192)
  const toMs = Math.max(...totals.map((total) => total.toMs))
  let nextMs = Math.max(startMs, Math.min(...totals.map((total) => total.fromMs)))
  while (nextMs < toMs) {
    const endMs = Math.min(toMs, (Math.floor(nextMs / dayMs) + 1) * dayMs)
    const columns: [SeriesId, ReadingColumns][] = []
    for (const { series, fromMs, toMs: lastMs } of totals) {
      if (lastMs <= nextMs || fromMs >= endMs) continue
      const query = { seriesId: series.seriesId, fromMs: nextMs, toMs: endMs, limit: Number.MAX_SAFE_INTEGER }
      columns.push([series.seriesId, await store.range(query)])
    }
    merge(columns, batch)
    nextMs = endMs
    if (batch.length > 0) yield { batch, nextMs }
    else nextMs = await nextReading(store, totals, endMs)
  }
}

async function nextReading(store: ReadingStore, totals: DevicePart['totals'], fromMs: number): Promise<number> {
  let nextMs = Number.POSITIVE_INFINITY
  for (const { series, toMs } of totals) {
    if (toMs <= fromMs) continue
    const { timesMs } = await store.range({ seriesId: series.seriesId, fromMs, toMs, limit: 1 })
    nextMs = Math.min(nextMs, timesMs[0] ?? Number.POSITIVE_INFINITY)
  }
  return nextMs
}

/** Ascending by time, what belongs to one moment side by side. */
function merge(columns: readonly (readonly [SeriesId, ReadingColumns])[], into: ReadingBatchBuilder): void {
  into.clear()
  const at = columns.map(() => 0)
  for (;;) {
    let timeMs = Number.POSITIVE_INFINITY
    for (const [i, [, { timesMs }]] of columns.entries()) timeMs = Math.min(timeMs, timesMs[at[i] ?? 0] ?? timeMs)
    if (timeMs === Number.POSITIVE_INFINITY) return
    for (const [i, [seriesId, { timesMs, values, quality, receivedMs }]] of columns.entries()) {
      const row = at[i] ?? 0
      if (timesMs[row] !== timeMs) continue
      const receivedAtMs = receivedMs[row] ?? Number.NaN
      into.push(
        seriesId,
        timeMs,
        values[row] ?? 0,
        (quality[row] ?? 0) as Quality,
        Number.isNaN(receivedAtMs) ? timeMs : receivedAtMs,
        Number.NaN,
      )
      at[i] = row + 1
    }
  }
}
