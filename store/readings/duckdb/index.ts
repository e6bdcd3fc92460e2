export { type DuckdbReadingsConfig, duckdbReadingsConfigSchema } from './config.ts'
export { type CompactableStore, createDuckdbReadings } from './duckdb-readings.ts'
export type { DuckdbReadingsDeps } from './owner.ts'
