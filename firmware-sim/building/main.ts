import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { connectAsync, type MqttClient } from 'mqtt'
import { nativeTopic, parseDeviceId } from '../../model/index.ts'
import { createEstate, type MeasuringPoint } from '../estate.ts'
import type { Sample } from '../signals/signal.ts'
import { type BuildingConfig, type BuildingReport, buildingConfigSchema, buildingPoints } from './config.ts'

/**
 * The meters of one building, over real MQTT, until it is ended: first what was measured since they last sent, as
 * backlog, then live. Now and then one load draws more than it should.
 */

const minuteMs = 60_000
/** Rows of one backlog message of one device: a quarter of a day. */
const rowsAtOnce = 360

interface Meter {
  readonly point: MeasuringPoint
  readonly client: MqttClient
  readonly topic: string
}

const config = buildingConfigSchema.parse(JSON.parse(await text(process.stdin)))
const report = (line: BuildingReport) => process.stdout.write(`${JSON.stringify(line)}\n`)
process.once('SIGTERM', () => process.exit(0))
process.once('SIGINT', () => process.exit(0))

const meters = await connectMeters(config)
await sendBacklog(meters, config)
report({ kind: 'live' })
await sendLive(meters, config)

async function connectMeters({ mqttUrl, seed, utcOffsetMs, beganMs, devices }: BuildingConfig): Promise<Meter[]> {
  const points = createEstate(buildingPoints, { seed, utcOffsetMs, startMs: beganMs })
  return Promise.all(
    points.map(async (point) => {
      const device = devices[point.name]
      if (device === undefined) throw new Error(`no device for ${point.name}`)
      const id = parseDeviceId(device.id)
      const status = { topic: nativeTopic.status(id), qos: 1 as const, retain: true }
      const client = await connectAsync(mqttUrl, {
        username: id,
        password: device.token,
        clientId: 'building',
        will: { ...status, payload: Buffer.from('offline') },
      })
      await client.publishAsync(status.topic, 'online', status)
      return { point, client, topic: nativeTopic.telemetry(id) }
    }),
  )
}

async function sendBacklog(meters: readonly Meter[], { beganMs }: BuildingConfig): Promise<void> {
  const nowMs = Date.now()
  const fromMs = Math.ceil(beganMs / minuteMs) * minuteMs
  const ofRows = Math.ceil((nowMs - fromMs) / minuteMs) * meters.length
  let rows = 0
  for (let ts = fromMs; ts < nowMs; ) {
    const untilMs = Math.min(nowMs, ts + rowsAtOnce * minuteMs)
    const batches: { ts: number; values: Sample }[][] = meters.map(() => [])
    for (; ts < untilMs; ts += minuteMs) {
      for (const [i, { point }] of meters.entries()) batches[i]?.push({ ts, values: point.signal.sample(ts) })
    }
    await Promise.all(
      meters.map(({ client, topic }, i) => client.publishAsync(topic, JSON.stringify(batches[i]), { qos: 1 })),
    )
    rows += batches.reduce((sum, batch) => sum + batch.length, 0)
    report({ kind: 'backlog', rows, ofRows })
  }
}

async function sendLive(meters: readonly Meter[], { everyMs, trouble }: BuildingConfig): Promise<never> {
  const beganMs = Date.now()
  for (;;) {
    const ts = Date.now()
    for (const { point, client, topic } of meters) {
      const values = point.signal.sample(ts, point.name === trouble.point ? forced(ts - beganMs, trouble) : undefined)
      client.publish(topic, JSON.stringify({ ts, values }), { qos: 1 })
    }
    await delay(everyMs - (Date.now() % everyMs))
  }
}

/** A motor that will not start: 64 A, then 74 A, then 64 A, a quarter of a minute each. */
function forced(sinceMs: number, { everyMs, firstAfterMs }: BuildingConfig['trouble']): Sample | undefined {
  if (sinceMs < firstAfterMs) return undefined
  const step = Math.floor(((sinceMs - firstAfterMs) % everyMs) / 15_000)
  const current = [64.2, 74.1, 63.8][step]
  return current === undefined ? undefined : { current }
}
