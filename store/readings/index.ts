export { columnNames, emptyBuckets, emptyReadings, joinReadings, mergeBucket } from './columns.ts'
export {
  type CompactableStore,
  createDuckdbReadings,
  type DuckdbReadingsConfig,
  type DuckdbReadingsDeps,
  duckdbReadingsConfigSchema,
} from './duckdb/index.ts'
export {
  createInfluxdbReadings,
  type InfluxdbReadingsConfig,
  type InfluxdbReadingsDeps,
  influxdbReadingsConfigSchema,
} from './influxdb/index.ts'
export type {
  BucketColumns,
  BucketQuery,
  BucketsWithMarks,
  MarkedStore,
  RangeQuery,
  ReadingColumns,
  ReadingStore,
  ReadingStoreStats,
  ReadingsWithMarks,
  RefusedReading,
  RollableStore,
  RollUp,
  RollUpStep,
  RollupColumns,
  SeriesCatalog,
  SeriesInfo,
  SeriesMarks,
  StoreMarks,
  WriteOutcome,
} from './reading-store.ts'
export { type RecentConfig, withRecent } from './recent.ts'
