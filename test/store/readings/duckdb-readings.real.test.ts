import { describeReadingStore } from './conformance.ts'
import { createDuckdbPlace } from './duckdb-place.ts'

describeReadingStore('DuckDB', createDuckdbPlace, { restart: true, runs: 40 })
