import { pino } from 'pino'
import { afterAll } from 'vitest'
import { systemClock } from '../../../model/index.ts'
import {
  createInfluxdbReadings,
  type InfluxdbReadingsConfig,
  type InfluxdbReadingsDeps,
  influxdbReadingsConfigSchema,
  type ReadingStore,
  type RollableStore,
  type SeriesCatalog,
} from '../../../store/readings/index.ts'
import { type Influxdb, startInfluxdb } from '../../setup/influxdb.ts'
import { testLogId } from './memory-readings.ts'

export interface InfluxdbPlace {
  readonly server: Influxdb
  readonly database: string
  create(
    catalog: SeriesCatalog,
    config?: Partial<InfluxdbReadingsConfig>,
    deps?: Partial<InfluxdbReadingsDeps>,
  ): ReadingStore & RollableStore
  remove(): Promise<void>
}

/** One server for all tests of a file, and a database for each. */
export function useInfluxdb(): () => Promise<InfluxdbPlace> {
  let starting: Promise<Influxdb> | undefined
  let places = 0
  afterAll(async () => (await starting)?.[Symbol.asyncDispose]())
  return async () => {
    starting ??= startInfluxdb()
    places++
    return createInfluxdbPlace(await starting, `test ${places}`)
  }
}

export async function createInfluxdbPlace(server: Influxdb, database: string): Promise<InfluxdbPlace> {
  // With a retention policy that is the server's, not one that the store made.
  await server.query(`CREATE DATABASE "${database}"`)
  return {
    server,
    database,
    create: (catalog, config = {}, deps = {}) =>
      createInfluxdbReadings(influxdbReadingsConfigSchema.parse({ url: server.url, database, ...config }), {
        catalog,
        logId: testLogId,
        clock: systemClock,
        logger: pino({ level: 'silent' }),
        ...deps,
      }),
    remove: async () => {
      await server.query(`DROP DATABASE "${database}"`)
    },
  }
}
