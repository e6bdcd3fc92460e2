export { type InfluxdbReadingsConfig, influxdbReadingsConfigSchema } from './config.ts'
export { createInfluxdbReadings, type InfluxdbReadingsDeps } from './influxdb-readings.ts'
