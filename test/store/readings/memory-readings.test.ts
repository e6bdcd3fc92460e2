import { describeReadingStore } from './conformance.ts'
import { createMemoryReadings } from './memory-readings.ts'

describeReadingStore(
  'in memory',
  async () => ({ create: (catalog) => createMemoryReadings(catalog), remove: async () => undefined }),
  { restart: false, counts: true, wholeBatches: true, everyTime: true, runs: 100 },
)
