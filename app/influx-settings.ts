import type { FieldError } from '../model/index.ts'
import { type InfluxdbReadingsConfig, influxdbReadingsConfigSchema } from '../store/readings/influxdb/config.ts'

const shape = influxdbReadingsConfigSchema.shape

export const influxSchemas = {
  INFLUX_URL: shape.url.optional().describe(shape.url.description ?? ''),
  INFLUX_DATABASE: shape.database,
  INFLUX_RETENTION_POLICY: shape.retentionPolicy,
  INFLUX_USERNAME: shape.username,
  INFLUX_PASSWORD: shape.password,
  INFLUX_TOKEN: shape.token,
  INFLUX_ORG: shape.org,
  INFLUX_BUCKET: shape.bucket,
  INFLUX_TIMEOUT_MS: shape.timeoutMs,
} as const

export interface InfluxSettings {
  readonly INFLUX_URL?: string | undefined
  readonly INFLUX_DATABASE?: string | undefined
  readonly INFLUX_RETENTION_POLICY?: string | undefined
  readonly INFLUX_USERNAME?: string | undefined
  readonly INFLUX_PASSWORD?: string | undefined
  readonly INFLUX_TOKEN?: string | undefined
  readonly INFLUX_ORG?: string | undefined
  readonly INFLUX_BUCKET?: string | undefined
  readonly INFLUX_TIMEOUT_MS: number
}

/** Of the settings that only make sense together, those that do not. */
export function influxFaults(values: InfluxSettings): readonly FieldError[] {
  const { INFLUX_URL: url, INFLUX_TOKEN: token, INFLUX_ORG: org, INFLUX_BUCKET: bucket } = values
  const { INFLUX_DATABASE: database, INFLUX_RETENTION_POLICY: policy } = values
  const { INFLUX_USERNAME: username, INFLUX_PASSWORD: password } = values
  const faults: FieldError[] = []
  const fault = (wrong: boolean, field: string, message: string) => {
    if (wrong) faults.push({ field, message })
  }
  if (url === undefined) {
    const { INFLUX_URL: _, INFLUX_TIMEOUT_MS: __, ...others } = values
    for (const [field, value] of Object.entries(others))
      fault(field.startsWith('INFLUX_') && value !== undefined, field, 'means nothing without INFLUX_URL')
    return faults
  }
  const { username: user, password: secret, search, hash } = new URL(url)
  fault(user !== '' || secret !== '', 'INFLUX_URL', 'holds a user: give INFLUX_USERNAME and INFLUX_PASSWORD instead')
  fault(search !== '' || hash !== '', 'INFLUX_URL', 'has something behind its path')
  const hasBucket = bucket !== undefined
  fault(hasBucket && database !== undefined, 'INFLUX_DATABASE', 'and INFLUX_BUCKET exclude each other')
  fault(hasBucket && policy !== undefined, 'INFLUX_RETENTION_POLICY', 'and INFLUX_BUCKET exclude each other')
  fault(hasBucket && username !== undefined, 'INFLUX_USERNAME', 'and INFLUX_BUCKET exclude each other')
  fault(hasBucket && org === undefined, 'INFLUX_ORG', 'is missing beside INFLUX_BUCKET')
  fault(hasBucket && token === undefined, 'INFLUX_TOKEN', 'is missing beside INFLUX_BUCKET')
  fault(!hasBucket && org !== undefined, 'INFLUX_ORG', 'means nothing without INFLUX_BUCKET')
  fault(token !== undefined && username !== undefined, 'INFLUX_TOKEN', 'and INFLUX_USERNAME exclude each other')
  fault(username !== undefined && password === undefined, 'INFLUX_PASSWORD', 'is missing beside INFLUX_USERNAME')
  fault(password !== undefined && username === undefined, 'INFLUX_USERNAME', 'is missing beside INFLUX_PASSWORD')
  return faults
}

/** Undefined: the readings are kept in the data folder. */
export function influxConfigOf(values: InfluxSettings): InfluxdbReadingsConfig | undefined {
  if (values.INFLUX_URL === undefined) return undefined
  return influxdbReadingsConfigSchema.parse({
    url: values.INFLUX_URL,
    database: values.INFLUX_DATABASE,
    retentionPolicy: values.INFLUX_RETENTION_POLICY,
    username: values.INFLUX_USERNAME,
    password: values.INFLUX_PASSWORD,
    token: values.INFLUX_TOKEN,
    org: values.INFLUX_ORG,
    bucket: values.INFLUX_BUCKET,
    timeoutMs: values.INFLUX_TIMEOUT_MS,
  })
}
