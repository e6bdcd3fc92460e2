import type { ReadingStore, SeriesInfo } from '../../store/readings/index.ts'

/** What a store has of one series; times are epoch ms, [fromMs, toMs). */
export interface SeriesTotal {
  readonly series: SeriesInfo
  readonly fromMs: number
  readonly toMs: number
  readonly count: number
  readonly sum: number
}

/** One device's part: copied as a whole, because the values of one moment belong together. */
export interface DevicePart {
  readonly deviceNumber: number
  readonly totals: readonly SeriesTotal[]
}

/** Far outside of what any store holds. */
const always = { fromMs: -8.64e15, toMs: 8.64e15 } as const
const atOnce = 500

/** Everything that there is to be copied, device by device, by ascending number. */
export async function planCopy(
  store: ReadingStore,
  series: readonly SeriesInfo[],
  onDone: (series: number, of: number) => void,
): Promise<readonly DevicePart[]> {
  const parts = new Map<number, SeriesTotal[]>()
  for (let from = 0; from < series.length; from += atOnce) {
    const some = series.slice(from, from + atOnce)
    const latest = await store.latest(Int32Array.from(some, ({ seriesId }) => seriesId))
    for (const [i, info] of some.entries()) {
      const lastMs = latest.timesMs[i] ?? Number.NaN
      if (Number.isNaN(lastMs)) continue
      const total = await totalOf(store, info, lastMs + 1)
      parts.set(info.deviceNumber, [...(parts.get(info.deviceNumber) ?? []), total])
    }
    onDone(from + some.length, series.length)
  }
  return [...parts].sort(([a], [b]) => a - b).map(([deviceNumber, totals]) => ({ deviceNumber, totals }))
}

async function totalOf(store: ReadingStore, series: SeriesInfo, toMs: number): Promise<SeriesTotal> {
  const { seriesId } = series
  const { timesMs } = await store.range({ seriesId, ...always, limit: 1 })
  const fromMs = timesMs[0] ?? toMs - 1
  const { count, sum } = await store.buckets({ seriesId, edgesMs: Float64Array.of(fromMs, toMs) })
  return { series, fromMs, toMs, count: count[0] ?? 0, sum: sum[0] ?? 0 }
}

/** In words: where the other store does not have the same. Sums may be added up in another order. */
export async function differenceIn(store: ReadingStore, total: SeriesTotal): Promise<string | undefined> {
  const { series, fromMs, toMs, count, sum } = total
  const { seriesId, deviceId, metric } = series
  const there = await store.buckets({ seriesId, edgesMs: Float64Array.of(fromMs, toMs) })
  const [foundCount = 0] = there.count
  const [foundSum = 0] = there.sum
  const largest = Math.max(...[sum, foundSum, ...there.min, ...there.max].map((value) => Math.abs(value)), 1e-300)
  const same = foundSum === sum || Math.abs(foundSum - sum) <= 1e-9 * largest * Math.max(1, count)
  if (foundCount === count && same) return undefined
  return `${deviceId} ${metric}: ${count} readings of sum ${sum}, and ${foundCount} of ${foundSum} in the copy`
}
