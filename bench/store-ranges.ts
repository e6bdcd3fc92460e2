import type { ReadingBatch, SeriesId } from '../model/index.ts'
import type { ReadingStore } from '../store/readings/index.ts'

export interface RangeLoad {
  readonly startMs: number
  readonly days: number
  /** Series that are asked for, one after the other. */
  readonly series: readonly SeriesId[]
  /** Rows that are written meanwhile, so many a second, in batches of a tenth; undefined: none. */
  readonly writing: { readonly rowsPerS: number; batch(n: number): ReadingBatch } | undefined
}

const dayMs = 86_400_000
const hourMs = 3_600_000
/** Jakarta's; days begin at 17:00 UTC. */
const offsetMs = 7 * hourMs

/** What a page shows of one series: [days, length of a bucket]. */
const spans: Readonly<Record<string, readonly [days: number, stepMs: number]>> = {
  day: [1, hourMs],
  month: [30, dayMs],
  days90: [90, dayMs],
  year: [365, dayMs],
}
const questions = 40
/** Of a span whose answers are this slow fewer are asked for. */
const patienceMs = 6_000

/** `p50/p95/p99` in ms of the buckets of one series, over each span that the data covers, the last one ending with it. */
export async function askRanges(store: ReadingStore, load: RangeLoad): Promise<Record<string, string>> {
  const endMs = load.startMs + load.days * dayMs - offsetMs
  const writer = load.writing === undefined ? undefined : startWriting(store, load.writing)
  const figures: Record<string, string> = {}
  for (const [name, [days, stepMs]] of Object.entries(spans)) {
    if (days > load.days) continue
    const edgesMs = Float64Array.from(
      { length: (days * dayMs) / stepMs + 1 },
      (_, i) => endMs - days * dayMs + i * stepMs,
    )
    const times: number[] = []
    const beganMs = performance.now()
    for (let n = 0; n < questions && performance.now() - beganMs < patienceMs; n++) {
      const seriesId = load.series[n % load.series.length] ?? 0
      const askedMs = performance.now()
      const { count } = await store.buckets({ seriesId, edgesMs })
      times.push(performance.now() - askedMs)
      if ((count[0] ?? 0) === 0) throw new Error(`bench store failed: ${name} of series ${seriesId} has no readings`)
    }
    times.sort((a, b) => a - b)
    const at = (share: number) => (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(1)
    figures[name] = `${at(0.5)}/${at(0.95)}/${at(0.99)} (${times.length})`
  }
  await writer?.stop()
  return figures
}

/** Ten batches a second, or as many as the store takes. */
function startWriting(store: ReadingStore, writing: NonNullable<RangeLoad['writing']>) {
  let stopped = false
  const over = (async () => {
    const beganMs = performance.now()
    for (let n = 0; !stopped; n++) {
      await store.write(writing.batch(n), 1e12 + n)
      const waitMs = beganMs + (n + 1) * 100 - performance.now()
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  })()
  return {
    stop: async () => {
      stopped = true
      await over
    },
  }
}
