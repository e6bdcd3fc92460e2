import { pino } from 'pino'
import { systemClock } from '../../../model/index.ts'
import { createInfluxdbReadings, influxdbReadingsConfigSchema } from '../../../store/readings/index.ts'
import { deterministicBatch, deterministicCatalog } from './deterministic.ts'
import { testLogId } from './memory-readings.ts'

// Writes batch after batch from the one it is told on, and rolls up all the while what it has written, until it is killed.
const [url = '', database = '', first = ''] = process.argv.slice(2)
const store = createInfluxdbReadings(influxdbReadingsConfigSchema.parse({ url, database }), {
  catalog: deterministicCatalog(),
  logId: testLogId,
  clock: systemClock,
  logger: pino({ level: 'silent' }),
})
await store.open()
let told = 0
void (async () => {
  for (let n = 0; ; n++) {
    const step = await store.rollUp(1_772_323_200_000 + told * 600_000, n % 3 === 0 ? 'all' : 'new')
    if (step === undefined) await new Promise((resolve) => setTimeout(resolve, 1))
  }
})()
for (let n = Number(first); ; n++) {
  await store.write(deterministicBatch(n), n)
  told = n
  process.stdout.write(`stored ${n}\n`)
}
