import type { ReadingBatch } from '../../../model/index.ts'
import { batchOf, createTestCatalog, type TestCatalog, type TestReading } from './catalog.ts'

const metrics = ['voltage', 'current', 'power', 'energy'] as const
const devices = 25

/** Series 1 to 100 of 25 devices; the last device's are discovered ones. */
export function deterministicCatalog(): TestCatalog {
  const catalog = createTestCatalog()
  for (let device = 1; device <= devices; device++)
    for (const metric of metrics) catalog.add(device, metric, { profile: 'meter-1ph', known: device < devices })
  return catalog
}

/** Batch n of a history that two processes can tell alike: ten rows a device, every fourth batch a late one. Its values do not compress. */
export function deterministicBatch(n: number): ReadingBatch {
  const startMs = 1_772_323_200_000 + (n % 4 === 3 ? n - 3 : n) * 600_000
  const readings: TestReading[] = []
  for (let row = 0; row < 10; row++)
    for (let series = 1; series <= devices * metrics.length; series++)
      if ((series + n) % 5 > 0)
        readings.push({ series, at: startMs + row * 1000, value: Math.sin(n * 1000 + row * 37 + series) })
  return batchOf(...readings)
}
