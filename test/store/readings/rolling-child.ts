import { createDuckdbReadings, duckdbReadingsConfigSchema } from '../../../store/readings/index.ts'
import { deterministicBatch, deterministicCatalog } from './deterministic.ts'
import { silentLogger } from './duckdb-place.ts'
import { testLogId } from './memory-readings.ts'

// Writes batch after batch from its position on, and rolls up all the while what it has written, until it is killed.
const [path = ''] = process.argv.slice(2)
const config = duckdbReadingsConfigSchema.parse({ path, checkpointMb: 1 })
const store = createDuckdbReadings(config, { catalog: deterministicCatalog(), logId: testLogId, logger: silentLogger })
for (let n = (await store.open()).position + 1; ; n++) {
  await store.write(deterministicBatch(n), n)
  const step = await store.rollUp(1_772_323_200_000 + n * 600_000, n % 3 === 0 ? 'all' : 'new')
  process.stdout.write(`stored ${n}${step === undefined ? '' : ', rolled up'}\n`)
}
