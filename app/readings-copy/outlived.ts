import type { ReadingStore, RollableStore, SeriesInfo } from '../../store/readings/index.ts'
import { differenceIn } from './plan.ts'

type Store = ReadingStore & RollableStore

/** Before any time that a store holds. */
const beginningMs = -8.64e15

/**
 * Copies the rollups that have outlived their readings, series by series; all others the other store makes itself. Resolves with
 * where it does not answer the same, in words.
 */
export async function copyOutlived({
  from,
  to,
  series,
}: {
  readonly from: Store
  readonly to: Store
  readonly series: readonly SeriesInfo[]
}): Promise<readonly string[]> {
  const outlivedMs = await from.outlivedMs()
  if (!Number.isFinite(outlivedMs)) return []
  await to.outlive(outlivedMs)
  const copied: { readonly info: SeriesInfo; readonly fromMs: number }[] = []
  for (const info of series) {
    const rollups = await from.rollups({ seriesId: info.seriesId, fromMs: beginningMs, toMs: outlivedMs })
    const [fromMs] = rollups.slotsMs
    if (fromMs === undefined) continue
    await to.takeRollups(info.seriesId, rollups)
    copied.push({ info, fromMs })
  }
  const differences: string[] = []
  for (const { info, fromMs } of copied) {
    const { count, sum } = await from.buckets({ seriesId: info.seriesId, edgesMs: Float64Array.of(fromMs, outlivedMs) })
    const total = { series: info, fromMs, toMs: outlivedMs, count: count[0] ?? 0, sum: sum[0] ?? 0 }
    const difference = await differenceIn(to, total)
    if (difference !== undefined) differences.push(difference)
  }
  return differences
}
