import type { Logger } from 'pino'
import { systemClock } from '../model/index.ts'
import {
  type CompactableStore,
  createDuckdbReadings,
  createInfluxdbReadings,
  type ReadingStore,
  type RollableStore,
  type SeriesCatalog,
} from '../store/readings/index.ts'
import type { PlatformConfig } from './config.ts'

export interface ReadingStoreDeps {
  readonly readingsFile: string
  readonly catalog: SeriesCatalog
  readonly logId: string
  readonly logger: Logger
}

type StoreConfig = Pick<PlatformConfig, 'readings' | 'influxdb'>

/** The store that the settings choose. */
export function openableReadings(
  config: StoreConfig,
  deps: ReadingStoreDeps,
): ReadingStore & RollableStore & Partial<CompactableStore> {
  const { readingsFile, ...rest } = deps
  if (config.influxdb !== undefined) return createInfluxdbReadings(config.influxdb, { ...rest, clock: systemClock })
  return createDuckdbReadings({ ...config.readings, path: readingsFile }, rest)
}
