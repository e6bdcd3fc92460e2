import { withRecent } from '../../../store/readings/index.ts'
import { describeReadingStore } from './conformance.ts'
import { createDuckdbPlace } from './duckdb-place.ts'

const supports = { restart: true, counts: true, wholeBatches: true, everyTime: true } as const

describeReadingStore('DuckDB', createDuckdbPlace, { ...supports, runs: 40 })

describeReadingStore(
  'DuckDB with recent readings',
  async () => {
    const place = await createDuckdbPlace()
    return { ...place, create: (catalog) => withRecent(place.create(catalog), { bytesMax: 4_000 }) }
  },
  { ...supports, runs: 20 },
)
