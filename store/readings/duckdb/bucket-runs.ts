/** Questions whose buckets follow each other without a gap, or are the same. */
export interface BucketRun {
  readonly edgesMs: Float64Array
  readonly parts: readonly BucketPart[]
}

export interface BucketPart {
  /** Of the question. */
  readonly index: number
  /** Where its buckets begin in the run. */
  readonly firstBucket: number
}

const mostBuckets = 10_000

/** Puts ascending edges together where one ends where the next begins: chunks of a calendar. */
export function bucketRuns(questions: readonly Float64Array[]): readonly BucketRun[] {
  const runs: { edges: Float64Array[]; buckets: number; parts: BucketPart[] }[] = []
  const inOrder = [...questions.entries()].sort(([, a], [, b]) => startOf(a) - startOf(b) || endOf(a) - endOf(b))
  for (const [index, edgesMs] of inOrder) {
    const count = edgesMs.length - 1
    const same = runs.find(({ edges }) => isSame(edges.at(-1), edgesMs))
    const before = runs.find(
      ({ edges, buckets }) => endOf(edges.at(-1)) === startOf(edgesMs) && buckets + count <= mostBuckets,
    )
    const run = same ?? before
    if (run === undefined) {
      runs.push({ edges: [edgesMs], buckets: count, parts: [{ index, firstBucket: 0 }] })
      continue
    }
    if (same === undefined) {
      run.edges.push(edgesMs)
      run.buckets += count
    }
    run.parts.push({ index, firstBucket: run.buckets - count })
  }
  return runs.map(({ edges, parts }) => ({ edgesMs: joined(edges), parts }))
}

function joined(edges: readonly Float64Array[]): Float64Array {
  const [first = new Float64Array(0), ...others] = edges
  if (others.length === 0) return first
  return Float64Array.from([...first, ...others.flatMap((one) => [...one.subarray(1)])])
}

function isSame(a: Float64Array | undefined, b: Float64Array): boolean {
  return a !== undefined && a.length === b.length && a.every((edgeMs, i) => edgeMs === b[i])
}

function startOf(edgesMs: Float64Array): number {
  return edgesMs[0] ?? 0
}

function endOf(edgesMs: Float64Array | undefined): number {
  return edgesMs?.at(-1) ?? Number.NaN
}
