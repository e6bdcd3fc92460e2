import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import {
  type CompactableStore,
  createDuckdbReadings,
  type DuckdbReadingsConfig,
  duckdbReadingsConfigSchema,
  type ReadingStore,
  type RollableStore,
  type SeriesCatalog,
} from '../../../store/readings/index.ts'

import { testLogId } from './memory-readings.ts'

export const silentLogger = pino({ level: 'silent' })

export interface DuckdbPlace {
  readonly path: string
  create(
    catalog: SeriesCatalog,
    config?: Partial<DuckdbReadingsConfig>,
  ): ReadingStore & CompactableStore & RollableStore
  remove(): Promise<void>
}

export async function createDuckdbPlace(): Promise<DuckdbPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'pelbiot-readings-'))
  const path = join(folder, 'readings.duckdb')
  return {
    path,
    create: (catalog, config = {}) =>
      createDuckdbReadings(duckdbReadingsConfigSchema.parse({ path, ...config }), {
        catalog,
        logId: testLogId,
        logger: silentLogger,
      }),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
