import { z } from 'zod'

export const influxdbReadingsConfigSchema = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: 'is not an http or https URL' })
    .describe(
      'Server that keeps the readings, http://host:8086 or https://…; without it they are kept in the data folder',
    ),
  token: z.string().min(1).optional().describe('Token that may read and write'),
  org: z.string().min(1).optional().describe('Organisation of INFLUX_BUCKET'),
  bucket: z.string().min(1).optional().describe('Bucket of InfluxDB 2.x or Cloud; with INFLUX_ORG and INFLUX_TOKEN'),
  username: z.string().min(1).optional().describe('User of InfluxDB 1.x; with INFLUX_PASSWORD'),
  password: z.string().min(1).optional().describe('Password of INFLUX_USERNAME'),
  database: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Database of InfluxDB 1.x or 3.x; `pelbiot` without INFLUX_BUCKET. One that is missing is made where that is allowed',
    ),
  retentionPolicy: z
    .string()
    .min(1)
    .optional()
    .describe('Retention policy in INFLUX_DATABASE; without it, the default one'),
  timeoutMs: z
    .int()
    .min(100)
    .max(600_000)
    .default(15_000)
    .describe('Longest, in ms, that InfluxDB may take to answer a write or a query; a write is then tried again'),
})

export type InfluxdbReadingsConfig = z.infer<typeof influxdbReadingsConfigSchema>

const defaultDatabase = 'pelbiot'

/** Where in InfluxDB the readings are: what InfluxQL calls database and retention policy. */
export interface Target {
  readonly database: string
  /** Undefined: the default one. */
  readonly retentionPolicy: string | undefined
}

/** InfluxDB 2.x finds the bucket `db/rp` under database `db` and retention policy `rp` by itself. */
export function targetOf({ bucket, database, retentionPolicy }: InfluxdbReadingsConfig): Target {
  if (bucket === undefined) return { database: database ?? defaultDatabase, retentionPolicy }
  const slash = bucket.indexOf('/')
  if (slash < 0) return { database: bucket, retentionPolicy: undefined }
  return { database: bucket.slice(0, slash), retentionPolicy: bucket.slice(slash + 1) }
}

/** The setting that is wrong when the place is missing or forbidden, for people. */
export function describeTarget({ bucket, database }: InfluxdbReadingsConfig): string {
  return bucket === undefined ? `database ${database ?? defaultDatabase}` : `bucket ${bucket}`
}
