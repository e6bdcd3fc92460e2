export type {
  BucketColumns,
  BucketQuery,
  RangeQuery,
  ReadingColumns,
  ReadingStore,
  ReadingStoreStats,
  SeriesCatalog,
  SeriesInfo,
} from './reading-store.ts'
