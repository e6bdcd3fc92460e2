import { withRecent } from '../../../store/readings/index.ts'
import { describeReadingStore } from './conformance.ts'
import { createDuckdbPlace } from './duckdb-place.ts'

describeReadingStore('DuckDB', createDuckdbPlace, { restart: true, runs: 40 })

describeReadingStore(
  'DuckDB with recent readings',
  async () => {
    const place = await createDuckdbPlace()
    return { ...place, create: (catalog) => withRecent(place.create(catalog), { bytesMax: 4_000 }) }
  },
  { restart: true, runs: 20 },
)
