import { connectAsync, Store } from 'mqtt'
import { publishUntilAcked, RedeliveryStore } from '../../firmware-sim/index.ts'
import { type Ledger, markAcked, type SentMessage } from './ledger.ts'
import type { MessageMaker } from './messages.ts'

export interface ClientOptions {
  readonly port: number
  readonly id: string
  readonly token: string
  readonly qos: 1 | 2
  readonly clean: boolean
}

/** A publisher that goes on through every crash of the platform until it is told to stop. */
export interface ChaosClient {
  readonly name: string
  /** Acknowledged messages so far. */
  readonly acked: number
  /** Sends no more; resolves when everything sent is acknowledged. */
  finish(): Promise<void>
  close(): Promise<void>
}

export interface ChaosDeps {
  readonly ledger: Ledger
  /** In [0, 1). */
  random(): number
}

const slots = 8
const reconnectMs = 100
/** At least two: what was stamped before an acknowledgement and what is stamped after it have different times. */
const pauseMs = { least: 2, more: 6 }

/** The `mqtt` package as devices use it: it reconnects by itself and sends what was not acknowledged again, with DUP. */
export async function startMqttClient(
  options: ClientOptions,
  maker: MessageMaker,
  { ledger, random }: ChaosDeps,
): Promise<ChaosClient> {
  const { id, qos } = options
  const waiting = new Map<string, SentMessage>()
  const byPacketId = new Map<number, SentMessage>()
  const timers = new Set<NodeJS.Timeout>()
  let acked = 0
  let finishing: (() => void) | undefined

  const client = await connectAsync(`mqtt://127.0.0.1:${options.port}`, {
    clientId: id,
    username: id,
    password: options.token,
    clean: options.clean,
    // A clean session is a new one each time: nothing in it is sent again.
    outgoingStore: options.clean ? new Store() : new RedeliveryStore(),
    reconnectPeriod: reconnectMs,
    connectTimeout: 5_000,
  })
  client.on('error', () => {})
  // The acknowledgement that counts is the first one: PUBACK, or for QoS 2 already PUBREC. The callback tells later.
  client.on('packetsend', (packet) => {
    if (packet.cmd !== 'publish' || packet.messageId === undefined) return
    const message = waiting.get(packet.payload.toString())
    if (message !== undefined) byPacketId.set(packet.messageId, message)
  })
  client.on('packetreceive', (packet) => {
    if ((packet.cmd !== 'puback' && packet.cmd !== 'pubrec') || packet.messageId === undefined) return
    const message = byPacketId.get(packet.messageId)
    if (message !== undefined) markAcked(message)
  })

  function publishNext(slot: number): void {
    if (finishing !== undefined) {
      if (waiting.size === 0) finishing()
      return
    }
    const message = maker.next(slot)
    ledger.record(message)
    waiting.set(message.payload, message)
    const { topic, payload } = message
    publishUntilAcked(client, { topic, payload, options: { qos } }, () => {
      waiting.delete(message.payload)
      acked++
      const timer = setTimeout(
        () => {
          timers.delete(timer)
          publishNext(slot)
        },
        pauseMs.least + random() * pauseMs.more,
      )
      timers.add(timer)
    })
  }
  for (let slot = 0; slot < slots; slot++) publishNext(slot)

  return {
    name: `${id} (mqtt, QoS ${qos}, ${options.clean ? 'clean' : 'persistent'})`,
    get acked() {
      return acked
    },
    finish: () =>
      new Promise((resolve) => {
        finishing = resolve
        if (waiting.size === 0) resolve()
      }),
    async close() {
      for (const timer of timers) clearTimeout(timer)
      await client.endAsync(true)
    },
  }
}
