import type { TimeRange } from './bucket-edges.ts'
import type { BucketSize } from './bucket-size.ts'
import type { BucketWindow } from './bucket-window.ts'
import { badParameter } from './problem.ts'

/** How readings are summed up: by buckets of one size, or of whichever makes at most so many. */
export type Summing = { readonly size: BucketSize } | { readonly maxPoints: number }

export interface SizedWindow {
  readonly size: BucketSize
  readonly window: BucketWindow
}

/** The windows of each of the time zones; a problem where they have more than `most` buckets, or cannot have as few as are asked for. */
export type WindowsOf = (
  timeZones: ReadonlySet<string>,
  range: TimeRange,
  summing: Summing,
  most: number,
) => Promise<ReadonlyMap<string, SizedWindow>>

export function createWindows(): WindowsOf {
  let loading: ReturnType<typeof loadCalendar> | undefined

  return async (timeZones, range, summing, most) => {
    loading ??= loadCalendar()
    const { chunks, bucketWindow, zoom } = await loading
    const windows = new Map<string, SizedWindow>()
    for (const timeZone of timeZones) {
      if ('maxPoints' in summing) {
        const zoomed = zoom(chunks, timeZone, range, summing.maxPoints)
        if (zoomed === undefined) throw badParameter('maxPoints', 'is too few for a range that long')
        windows.set(timeZone, zoomed)
        continue
      }
      const window = bucketWindow(chunks, summing.size, timeZone, range, most)
      if (window === undefined)
        throw badParameter('bucket', `makes more than ${most} buckets of this range; take longer ones, or maxPoints`)
      windows.set(timeZone, { size: summing.size, window })
    }
    return windows
  }
}

/** Some 20 ms of the start, and needed for charts only. */
async function loadCalendar() {
  const [{ createBucketChunks }, { bucketWindow }, { zoom }] = await Promise.all([
    import('./bucket-chunks.ts'),
    import('./bucket-window.ts'),
    import('./zoom.ts'),
  ])
  return { chunks: createBucketChunks(), bucketWindow, zoom }
}
