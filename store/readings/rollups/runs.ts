/** Neighbouring buckets that are made of groups of one length. */
export interface GroupRun {
  readonly firstBucket: number
  /** Of its buckets. */
  readonly edgesMs: Float64Array
  /** Every edge is a multiple of it away from the first one. */
  readonly groupMs: number
}

/** Groups are merged into their buckets here, so of so few it does not matter. */
const fewGroups = 2_000

/**
 * Cuts buckets of unequal length (months, days on which the clocks change) into runs that a grouping by equal lengths can
 * answer: that is several times faster than to look up the bucket of each row.
 */
export function groupRuns(edgesMs: Float64Array): readonly GroupRun[] {
  const runs: GroupRun[] = []
  const last = edgesMs.length - 1
  for (let first = 0; first < last; ) {
    const startMs = edgesMs[first] ?? 0
    let end = first + 1
    let groupMs = (edgesMs[end] ?? 0) - startMs
    while (end < last) {
      const nextMs = edgesMs[end + 1] ?? 0
      const smallerMs = commonMs(groupMs, nextMs - (edgesMs[end] ?? 0))
      const groups = (nextMs - startMs) / smallerMs
      if (groups > fewGroups && groups > end + 1 - first) break
      groupMs = smallerMs
      end++
    }
    runs.push({ firstBucket: first, edgesMs: edgesMs.subarray(first, end + 1), groupMs })
    first = end
  }
  return runs
}

/** For a run's groups, ascending: the bucket within the run that each belongs to. */
export function bucketOfGroups({ edgesMs, groupMs }: GroupRun, groups: ArrayLike<number>): Int32Array {
  const buckets = new Int32Array(groups.length)
  const startMs = edgesMs[0] ?? 0
  let bucket = 0
  for (let i = 0; i < groups.length; i++) {
    const timeMs = startMs + (groups[i] ?? 0) * groupMs
    while (timeMs >= (edgesMs[bucket + 1] ?? Number.POSITIVE_INFINITY)) bucket++
    buckets[i] = bucket
  }
  return buckets
}

function commonMs(a: number, b: number): number {
  let [larger, smaller] = [a, b]
  while (smaller > 0) [larger, smaller] = [smaller, larger % smaller]
  return larger
}
