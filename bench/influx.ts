import { randomBytes } from 'node:crypto'

/** Which InfluxDB the platform under test keeps its readings in: that of our own environment, in a database of its own. */
export type InfluxEnv = Readonly<Record<string, string>>

const credentials = ['INFLUX_USERNAME', 'INFLUX_PASSWORD', 'INFLUX_TOKEN'] as const

/** Empty without INFLUX_URL. The database stays; its name begins with `pelbiot_bench_`. */
export function influxEnv(): InfluxEnv {
  const { INFLUX_URL: url } = process.env
  if (url === undefined || url === '') return {}
  const env: Record<string, string> = {
    INFLUX_URL: url,
    INFLUX_DATABASE: `pelbiot_bench_${randomBytes(4).toString('hex')}`,
  }
  for (const name of credentials) if (process.env[name]) env[name] = process.env[name] ?? ''
  return env
}

interface Answer {
  readonly results?: readonly {
    readonly series?: readonly {
      readonly columns: readonly string[]
      readonly values: readonly (readonly number[])[]
    }[]
  }[]
}

/** Values in a measurement, but those that say how they came there. Reads all of it. */
export async function countInInflux(env: InfluxEnv, measurement: string): Promise<number> {
  const { INFLUX_URL: url, INFLUX_DATABASE: db = '' } = env
  const user = env['INFLUX_USERNAME'] === undefined ? '' : `${env['INFLUX_USERNAME']}:${env['INFLUX_PASSWORD']}`
  const pair = env['INFLUX_TOKEN'] ?? user
  const response = await fetch(`${url}/query?${new URLSearchParams({ db, epoch: 'ms' })}`, {
    method: 'POST',
    headers: pair === '' ? {} : { authorization: `Basic ${Buffer.from(pair).toString('base64')}` },
    body: new URLSearchParams({ q: `SELECT COUNT(*) FROM "${measurement}"` }),
  })
  if (!response.ok) throw new Error(`count in influxdb failed: ${await response.text()}`)
  const { columns = [], values = [] } = ((await response.json()) as Answer).results?.[0]?.series?.[0] ?? {}
  const counted = (column: string) => column.startsWith('count_') && !/__q$|_received_ms$|_device_time_ms$/.test(column)
  return columns.reduce((sum, column, i) => sum + (counted(column) ? (values[0]?.[i] ?? 0) : 0), 0)
}
