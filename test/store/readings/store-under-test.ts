import { afterEach, beforeEach, expect } from 'vitest'
import type { ReadingStore, RollableStore, SeriesCatalog } from '../../../store/readings/index.ts'
import { createTestCatalog, type TestCatalog } from './catalog.ts'

/** Where a store under test keeps its things. */
export interface StorePlace {
  /** Each call is another start of the store at the same place, after the one before was closed. */
  create(catalog: SeriesCatalog): ReadingStore & Partial<RollableStore>
  remove(): Promise<void>
}

/** An open store for each test. */
export interface StoreUnderTest {
  readonly store: ReadingStore & Partial<RollableStore>
  readonly catalog: TestCatalog
  /** Resolves with the position. */
  restart(): Promise<number>
  /** Pairs of time and value. */
  readingsOf(seriesId: number, range?: typeof always): Promise<(number | undefined)[][]>
  /** So many are stored, as far as the store counts. */
  expectReadings(count: number): Promise<void>
}

export const dayMs = 86_400_000
export const hourMs = 3_600_000
/** 2026-03-01T00:00:00Z */
export const march = 1_772_323_200_000
export const always = { fromMs: -1e15, toMs: 1e15, limit: 1_000_000 }

/** The series that every test has: two metrics of one device, one of another, and one that no profile knows. */
export const [voltage, power, other, discovered] = [1, 2, 3, 4] as const

export function createStandardCatalog(): TestCatalog {
  const catalog = createTestCatalog()
  const known = { profile: 'meter-1ph', known: true }
  catalog.add(1, 'voltage', known)
  catalog.add(1, 'power', known)
  catalog.add(2, 'voltage', known)
  catalog.add(1, 'harmonics_5', { profile: 'meter-1ph', known: false })
  return catalog
}

/** Everything that is to be rolled up before then, however many steps it takes. */
export async function rollUpAll(
  store: Partial<RollableStore>,
  beforeMs: number,
  what: 'new' | 'all' = 'all',
): Promise<void> {
  while ((await store.rollUp?.(beforeMs, what)) !== undefined);
}

export function useStore(begin: () => Promise<StorePlace>, supports: { readonly counts: boolean }): StoreUnderTest {
  let place: StorePlace
  let catalog: TestCatalog
  let store: ReadingStore & Partial<RollableStore>

  beforeEach(async () => {
    place = await begin()
    catalog = createStandardCatalog()
    store = place.create(catalog)
    await store.open()
  })

  afterEach(async () => {
    await store.close()
    await place.remove()
  })

  return {
    get store() {
      return store
    },
    get catalog() {
      return catalog
    },
    restart: async () => {
      await store.close()
      store = place.create(catalog)
      return (await store.open()).position
    },
    readingsOf: async (seriesId, range = always) => {
      const { timesMs, values } = await store.range({ seriesId, ...range })
      return [...timesMs].map((timeMs, i) => [timeMs, values[i]])
    },
    expectReadings: async (count) => {
      expect((await store.stats()).readings).toBe(supports.counts ? count : null)
    },
  }
}
