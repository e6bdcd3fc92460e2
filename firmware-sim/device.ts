import { setTimeout as delay } from 'node:timers/promises'
import { connectAsync, type MqttClient, Store } from 'mqtt'
import { nativeTopic, parseDeviceId } from '../model/index.ts'
import type { LatencyHistogram } from './raw/latency-histogram.ts'
import { RedeliveryStore } from './redelivery-store.ts'
import type { Signal } from './signals/signal.ts'

export interface DeviceOptions {
  /** For instance `mqtt://127.0.0.1:1883`. */
  readonly mqttUrl: string
  readonly id: string
  readonly token: string
  readonly qos: 0 | 1 | 2
  /** False: a session that outlives the connection; what was not acknowledged is sent again with DUP. */
  readonly clean: boolean
  /** Messages that may wait for their acknowledgement; a sample beyond that is skipped and counted. */
  readonly maxWaiting: number
}

export interface DeviceCounts {
  readonly sent: number
  /** QoS 0: handed to the network. */
  readonly acked: number
  readonly skipped: number
  readonly reconnects: number
}

/** One meter's firmware: says that it is online, leaves a will, samples its signal and publishes it. */
export interface Device {
  readonly counts: DeviceCounts
  start(): Promise<void>
  /** Samples and publishes; a time that is not after the last one becomes the next millisecond. */
  publish(timeMs: number): void
  /** Says that it goes offline and leaves. What still waits for its acknowledgement is given up. */
  stop(): Promise<void>
}

const reconnectMs = 500
/** How long it waits for its last message to be acknowledged. */
const farewellMs = 2_000

export function createDevice(options: DeviceOptions, signal: Signal, latencies: LatencyHistogram): Device {
  const { qos } = options
  const id = parseDeviceId(options.id)
  const telemetryTopic = nativeTopic.telemetry(id)
  const statusTopic = nativeTopic.status(id)
  const counts = { sent: 0, acked: 0, skipped: 0, reconnects: 0 }
  let client: MqttClient | undefined
  let lastMs = 0

  /** Whether the platform has heard it. */
  async function sayOffline(mqtt: MqttClient): Promise<boolean> {
    if (!mqtt.connected) return false
    try {
      await mqtt.publishAsync(statusTopic, 'offline', { qos: 1, retain: true })
      return true
    } catch {
      return false
    }
  }

  return {
    counts,
    async start() {
      client = await connectAsync(options.mqttUrl, {
        clientId: id,
        username: id,
        password: options.token,
        clean: options.clean,
        outgoingStore: options.clean ? new Store() : new RedeliveryStore(),
        reconnectPeriod: reconnectMs,
        will: { topic: statusTopic, payload: Buffer.from('offline'), qos: 1, retain: true },
      })
      // Without a listener the loss of a connection would end the process; the client reconnects by itself.
      client.on('error', () => {})
      client.on('reconnect', () => {
        counts.reconnects++
      })
      client.on('connect', () => client?.publish(statusTopic, 'online', { qos: 1, retain: true }))
      client.publish(statusTopic, 'online', { qos: 1, retain: true })
    },
    publish(timeMs) {
      if (client === undefined || counts.sent - counts.acked >= options.maxWaiting) {
        counts.skipped++
        return
      }
      lastMs = Math.max(timeMs, lastMs + 1)
      const payload = JSON.stringify({ ts: lastMs, values: signal.sample(lastMs) })
      const sentMs = performance.now()
      counts.sent++
      client.publish(telemetryTopic, payload, { qos }, (error) => {
        if (error) return
        counts.acked++
        latencies.add(performance.now() - sentMs)
      })
    },
    async stop() {
      if (client === undefined) return
      const said = await Promise.race([sayOffline(client), delay(farewellMs, false, { ref: false })])
      // Not forced, it would wait for every acknowledgement still owed.
      await client.endAsync(!said || counts.sent > counts.acked)
    },
  }
}
