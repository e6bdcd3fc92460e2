import { describe } from 'vitest'
import { testAsking } from './conformance-asking.ts'
import { testKeeping } from './conformance-keeping.ts'
import { testNames } from './conformance-names.ts'
import { testAgainstMaps } from './conformance-random.ts'
import { testRollups } from './conformance-rollups.ts'
import { testWriting } from './conformance-writing.ts'
import { type StorePlace, useStore } from './store-under-test.ts'

/** What an adapter can do; it chooses the tests. */
export interface StoreSupport {
  /** What was stored is there after a restart. */
  readonly restart: boolean
  /** It knows how much it holds. */
  readonly counts: boolean
  /** No query sees a part of a batch. */
  readonly wholeBatches: boolean
  /** It holds every time that JavaScript has; others hold 1677 to 2262, and refuse what lies outside. */
  readonly everyTime: boolean
  /** Runs of the random comparison: a real store takes milliseconds for what a map does at once. */
  readonly runs: number
}

/** The promises of the port `ReadingStore`; an adapter's test file is a call of this. */
export function describeReadingStore(name: string, begin: () => Promise<StorePlace>, supports: StoreSupport): void {
  describe(`${name}: a reading store`, () => {
    const here = useStore(begin, supports)
    testAsking(here, supports)
    testWriting(here, supports)
    testNames(here)
    testKeeping(here, supports)
    testRollups(here, supports)
    testAgainstMaps(begin, supports)
  })
}
