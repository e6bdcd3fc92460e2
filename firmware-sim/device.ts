import { setTimeout as delay } from 'node:timers/promises'
import { connectAsync, type MqttClient, Store } from 'mqtt'
import type { LatencyHistogram } from '../model/index.ts'
import { nativeTopic, parseDeviceId } from '../model/index.ts'
import { publishUntilAcked } from './publish-until-acked.ts'
import { RedeliveryStore } from './redelivery-store.ts'
import type { SentMessage, SentRow } from './truth/history.ts'

export interface DeviceOptions {
  /** For instance `mqtt://127.0.0.1:1883`. */
  readonly mqttUrl: string
  readonly id: string
  readonly token: string
  readonly qos: 0 | 1 | 2
  /** False: a session that outlives the connection; what was not acknowledged is sent again with DUP. */
  readonly clean: boolean
  /** Messages that may wait for their acknowledgement. */
  readonly maxWaiting: number
  /** Whether it keeps what it sent, to be compared later. */
  readonly remember: boolean
}

export interface DeviceCounts {
  readonly sent: number
  /** QoS 0: handed to the network. */
  readonly acked: number
  readonly reconnects: number
}

/** A telemetry message, and what of it the platform can use. */
export interface Telemetry {
  readonly payload: string
  readonly rows: readonly SentRow[]
  readonly rejected?: string
}

/** One device's connection: a will, its status, and telemetry that is sent again until it is acknowledged. */
export interface Device {
  readonly id: string
  readonly counts: DeviceCounts
  readonly connected: boolean
  /** As many wait for their acknowledgement as may. */
  readonly busy: boolean
  /** What it sent and had sent for it, in order; empty unless it remembers. */
  readonly messages: readonly SentMessage[]
  /** Connects and says that it is online. */
  start(): Promise<void>
  send(telemetry: Telemetry): SentMessage
  /** Says once more that it is online. */
  sayOnline(): void
  /** Loses its connection without a word, as by a power cut: the broker publishes the will. It stays away. */
  drop(): void
  comeBack(): void
  /** Says that it goes offline and leaves. What still waits for its acknowledgement is given up. */
  stop(): Promise<void>
}

const reconnectMs = 500
/** How long it waits for its last message to be acknowledged. */
const farewellMs = 2_000
/** A broker has noticed a closed connection and published the will by then. */
const willMs = 3_000

export function createDevice(options: DeviceOptions, latencies: LatencyHistogram): Device {
  const { qos, remember } = options
  const id = parseDeviceId(options.id)
  const telemetryTopic = nativeTopic.telemetry(id)
  const statusTopic = nativeTopic.status(id)
  const counts = { sent: 0, acked: 0, reconnects: 0 }
  const messages: SentMessage[] = []
  // The client's own would be lost while it stays away.
  const stores = { incomingStore: new Store(), outgoingStore: options.clean ? new Store() : new RedeliveryStore() }
  let client: MqttClient | undefined

  function record(message: SentMessage): SentMessage {
    if (remember) messages.push(message)
    return message
  }

  function sayOnline(): void {
    if (client === undefined) return
    const message = record({ sentMs: Date.now(), ackedMs: undefined, rows: [] })
    client.publish(statusTopic, 'online', { qos: 1, retain: true }, (error) => {
      if (!error) message.ackedMs = Date.now()
    })
  }

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
    id,
    counts,
    get connected() {
      return client?.connected ?? false
    },
    get busy() {
      return counts.sent - counts.acked >= options.maxWaiting
    },
    messages,
    async start() {
      client = await connectAsync(options.mqttUrl, {
        clientId: id,
        username: id,
        password: options.token,
        clean: options.clean,
        ...stores,
        reconnectPeriod: reconnectMs,
        will: { topic: statusTopic, payload: Buffer.from('offline'), qos: 1, retain: true },
      })
      // Without a listener the loss of a connection would end the process; the client reconnects by itself.
      client.on('error', () => {})
      client.on('reconnect', () => {
        counts.reconnects++
      })
      client.on('connect', sayOnline)
      sayOnline()
    },
    send({ payload, rows, rejected }) {
      const sentMs = Date.now()
      const startMs = performance.now()
      const message: SentMessage = { sentMs, ackedMs: undefined, rows, ...(rejected !== undefined && { rejected }) }
      record(message)
      counts.sent++
      if (client === undefined) return message
      publishUntilAcked(client, { topic: telemetryTopic, payload, options: { qos } }, () => {
        counts.acked++
        message.ackedMs = Date.now()
        latencies.add(performance.now() - startMs)
      })
      return message
    },
    sayOnline,
    drop() {
      if (client === undefined) return
      const nowMs = Date.now()
      record({ sentMs: nowMs, ackedMs: nowMs + willMs, rows: [], will: true })
      client.options.reconnectPeriod = 0
      client.stream.destroy()
    },
    comeBack() {
      if (client === undefined) return
      const dropped = client
      const again = () => dropped.reconnect(stores)
      dropped.options.reconnectPeriod = reconnectMs
      // The loss may not have been noticed yet.
      if (dropped.connected) dropped.once('close', again)
      else again()
    },
    async stop() {
      if (client === undefined) return
      const said = await Promise.race([sayOffline(client), delay(farewellMs, false, { ref: false })])
      // Not forced, it would wait for every acknowledgement still owed.
      await client.endAsync(!said || counts.sent > counts.acked)
    },
  }
}
