/** Index of the bucket that holds the time; -1 where it is before them, and the number of buckets where it is behind. Times are whole. */
export function bucketAt(edgesMs: Float64Array, timeMs: number): number {
  return countBefore(edgesMs, timeMs + 1) - 1
}

/** How many of ascending times are before this one. */
export function countBefore(timesMs: Float64Array, timeMs: number): number {
  let low = 0
  let high = timesMs.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((timesMs[middle] ?? Number.POSITIVE_INFINITY) < timeMs) low = middle + 1
    else high = middle
  }
  return low
}
