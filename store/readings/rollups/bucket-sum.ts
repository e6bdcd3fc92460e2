import { emptyBuckets, meanScale } from '../columns.ts'
import type { BucketColumns } from '../reading-store.ts'

/**
 * Buckets that are put together from parts, each part's readings later than those of the parts before it. What only one part
 * has is taken as it is; counts and extremes are exact in any case, sums are added up in another order than from the readings.
 */
export class BucketSum {
  readonly columns: BucketColumns

  constructor(buckets: number) {
    this.columns = emptyBuckets(buckets)
  }

  /** Row `row` of `part` belongs to the bucket. */
  add(bucket: number, part: BucketColumns, row: number): void {
    const { count, avg, min, max, sum, first, last } = this.columns
    const more = part.count[row] ?? 0
    if (more === 0 || bucket < 0 || bucket >= count.length) return
    const before = count[bucket] ?? 0
    const of = (column: Float64Array, i: number) => column[i] ?? Number.NaN
    count[bucket] = before + more
    last[bucket] = of(part.last, row)
    if (before === 0) {
      avg[bucket] = of(part.avg, row)
      min[bucket] = of(part.min, row)
      max[bucket] = of(part.max, row)
      sum[bucket] = of(part.sum, row)
      first[bucket] = of(part.first, row)
      return
    }
    const scaled = of(avg, bucket) * meanScale * before + of(part.avg, row) * meanScale * more
    avg[bucket] = scaled / (before + more) / meanScale
    min[bucket] = Math.min(of(min, bucket), of(part.min, row))
    max[bucket] = Math.max(of(max, bucket), of(part.max, row))
    sum[bucket] = of(sum, bucket) + of(part.sum, row)
  }

  /** Each row of `part` belongs to the bucket that follows the one of the row before it. */
  addAll(firstBucket: number, part: BucketColumns): void {
    for (let row = 0; row < part.count.length; row++) this.add(firstBucket + row, part, row)
  }
}
