import { connect, type MqttClient } from 'mqtt'
import { waitUntil } from '../../test/setup/wait.ts'
import type { SentReading } from './ledger.ts'
import type { Subscriber } from './retained.ts'

/** An integrator with a persistent session that is away while the platform crashes, and wants what it missed. */
export interface OfflineSubscriber {
  /** Connects and subscribes for the first time, then leaves. */
  begin(): Promise<void>
  /**
   * Comes back for a moment; resolves with those of `expected` (acknowledged messages' first readings) that never came
   * at all, once all have or none has come for a long time.
   */
  collect(expected: readonly SentReading[]): Promise<readonly SentReading[]>
}

const clientId = 'chaos-offline'
const silenceMs = 20_000

export function createOfflineSubscriber(access: Subscriber, topic: string): OfflineSubscriber {
  /** Times of the messages received; unique per message. */
  const received = new Set<number>()

  async function visit<T>(work: (client: MqttClient) => Promise<T>): Promise<T> {
    const { port, username, password } = access
    const client = connect(`mqtt://127.0.0.1:${port}`, {
      clientId,
      username,
      password,
      clean: false,
      reconnectPeriod: 100,
      // The session knows them; subscribing anew would hide that it was forgotten.
      resubscribe: false,
    })
    client.on('error', () => {})
    // Before the connection is there: queued messages come right behind the CONNACK.
    client.on('message', (_topic, payload) => received.add(Number(JSON.parse(payload.toString()).ts)))
    try {
      await waitUntil('the subscriber to connect', () => client.connected)
      return await work(client)
    } finally {
      await client.endAsync()
    }
  }

  return {
    begin: () => visit(async (client) => void (await client.subscribeAsync(topic, { qos: 1 }))),
    collect: (expected) =>
      visit(async () => {
        let left = expected
        const arrived = () => {
          left = left.filter(({ timeMs }) => timeMs !== undefined && !received.has(timeMs))
          return left.length === 0
        }
        for (let before = Number.POSITIVE_INFINITY; !arrived() && left.length < before; ) {
          before = left.length
          await waitUntil('queued messages', arrived, { timeoutMs: silenceMs }).catch(() => {})
        }
        return left
      }),
  }
}
