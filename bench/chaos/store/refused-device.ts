import { connectAsync } from 'mqtt'
import type { Platform } from '../../../test/scenario/platform.ts'
import type { Influxdb } from '../../../test/setup/influxdb.ts'
import { database } from './contents.ts'

const id = 'trafo-refused'
const everyMs = 100

/** A transformer whose temperature InfluxDB refuses, for somebody has made it a text; its load it takes. */
export interface RefusedDevice {
  readonly acked: number
  /** Stops, once everything is acknowledged. */
  stop(): Promise<void>
  /** Loads that are stored. */
  stored(): Promise<number>
}

export async function spoilTemperature(server: Influxdb): Promise<void> {
  await server.write(database, `transformer,device=somebody temperature="hot" ${Date.now()}`)
}

export async function startRefusedDevice(platform: Platform, server: Influxdb): Promise<RefusedDevice> {
  const { token } = await platform.client.createDevice({ id, profileId: 'transformer' })
  const client = await connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, { username: id, password: token })
  const underWay = new Set<Promise<unknown>>()
  let acked = 0
  const timer = setInterval(() => {
    const payload = JSON.stringify({ ts: Date.now(), values: { temperature: 50, load: 60 } })
    const sent = client.publishAsync(`pel/v1/${id}/telemetry`, payload, { qos: 1 }).then(() => {
      acked++
      underWay.delete(sent)
    })
    underWay.add(sent)
  }, everyMs)
  return {
    get acked() {
      return acked
    },
    async stop() {
      clearInterval(timer)
      await Promise.all(underWay)
      await client.endAsync()
    },
    async stored() {
      const [row] = await server.query(`SELECT COUNT("load") FROM "transformer" WHERE "device" = '${id}'`, database)
      return Number(row?.[1] ?? 0)
    },
  }
}
