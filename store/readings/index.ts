export {
  type CompactableStore,
  createDuckdbReadings,
  type DuckdbReadingsConfig,
  type DuckdbReadingsDeps,
  duckdbReadingsConfigSchema,
} from './duckdb/index.ts'
export type {
  BucketColumns,
  BucketQuery,
  RangeQuery,
  ReadingColumns,
  ReadingStore,
  ReadingStoreStats,
  SeriesCatalog,
  SeriesInfo,
  StoreMarks,
} from './reading-store.ts'
export { type RecentConfig, withRecent } from './recent.ts'
