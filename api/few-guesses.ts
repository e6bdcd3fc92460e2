import type { SeriesId } from '../model/index.ts'
import { createKeptValues } from '../store/cache/index.ts'
import type { TimeRange } from './bucket-edges.ts'
import type { BucketWindow } from './bucket-window.ts'

/** Where readings are to be shown as they came: in this range, if they are no more than `most`. */
export interface Few {
  readonly range: TimeRange
  readonly most: number
}

/** What the readings of series were the last time that somebody looked, so that nobody asks first whether they are few. */
export interface FewGuesses {
  /** They were, and are kept. */
  wereFew(seriesId: SeriesId, window: BucketWindow): boolean
  /** The range holds so many that were there already, and nobody removes them but the years. */
  areMany(seriesId: SeriesId, window: BucketWindow, few: Few): boolean
  /** Of all that lie in the range, or the first of more than `most`. */
  note(seriesId: SeriesId, window: BucketWindow, seen: Seen): void
}

interface Seen {
  readonly timesMs: Float64Array
  readonly most: number
  readonly isKept: boolean
}

/** `few`: they were. Else there were more than `most` of them from `fromMs` to `toMs`, both included. */
type Guess = { readonly few: true } | ({ readonly few: false; readonly most: number } & TimeRange)

/** Series and sizes of buckets. */
const keptGuesses = 20_000

export function createFewGuesses(): FewGuesses {
  const guesses = createKeptValues<Guess>({ maxSize: keptGuesses, sizeOf: () => 1 })
  const keyOf = (seriesId: SeriesId, { name }: BucketWindow) => `${seriesId} ${name}`

  return {
    wereFew: (seriesId, window) => guesses.get(keyOf(seriesId, window))?.few === true,
    areMany(seriesId, window, { range, most }) {
      const guess = guesses.get(keyOf(seriesId, window))
      if (guess === undefined || guess.few) return false
      return most <= guess.most && range.fromMs <= guess.fromMs && guess.toMs < range.toMs
    },
    note(seriesId, window, { timesMs, most, isKept }) {
      const few = timesMs.length > 0 && timesMs.length <= most && isKept
      // Of many the newest ones: they stay in a window that moves.
      const fromMs = timesMs.at(-1 - most) ?? Number.NaN
      const toMs = timesMs.at(-1) ?? Number.NaN
      guesses.set(keyOf(seriesId, window), few ? { few } : { few, most, fromMs, toMs })
    },
  }
}
