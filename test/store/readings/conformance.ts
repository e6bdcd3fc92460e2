import { describe } from 'vitest'
import { testAsking } from './conformance-asking.ts'
import { testKeeping } from './conformance-keeping.ts'
import { testAgainstMaps } from './conformance-random.ts'
import { testWriting } from './conformance-writing.ts'
import { type StorePlace, useStore } from './store-under-test.ts'

export interface StoreSupport {
  /** What was stored is there after a restart. */
  readonly restart: boolean
  /** Runs of the random comparison: a real store takes milliseconds for what a map does at once. */
  readonly runs: number
}

/** The promises of the port `ReadingStore`; an adapter's test file is a call of this. */
export function describeReadingStore(name: string, begin: () => Promise<StorePlace>, supports: StoreSupport): void {
  describe(`${name}: a reading store`, () => {
    const here = useStore(begin)
    testAsking(here)
    testWriting(here)
    testKeeping(here, supports)
    testAgainstMaps(begin, supports)
  })
}
