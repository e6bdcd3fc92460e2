export { type DuckdbReadingsConfig, duckdbReadingsConfigSchema } from './config.ts'
export { type CompactableStore, createDuckdbReadings, type DuckdbReadingsDeps } from './duckdb-readings.ts'
