import { connect, type Socket } from 'node:net'
import { generate, type Packet, parser } from 'mqtt-packet'
import { type Ledger, markAcked, type SentMessage } from './ledger.ts'
import type { MessageMaker } from './messages.ts'
import type { ChaosClient, ClientOptions } from './mqtt-client.ts'

const reconnectMs = 50
const pauseMs = 2

/**
 * A device on a bare socket with a persistent session: pipelined QoS 1, a packet identifier per slot, and after a
 * reconnect the same packets again with DUP [MQTT-4.4.0-1], in one write. It resends faster than any library.
 */
export async function startSocketClient(
  options: Omit<ClientOptions, 'qos' | 'clean'> & { readonly slots: number },
  maker: MessageMaker,
  ledger: Ledger,
): Promise<ChaosClient> {
  const { port, id, token, slots } = options
  /** Packet identifier (slot + 1) → the message that waits under it. */
  const waiting = new Map<number, SentMessage>()
  /** Packet identifiers of those that have been written to a socket before: the next time they carry DUP. */
  const tried = new Set<number>()
  const timers = new Set<NodeJS.Timeout>()
  let acked = 0
  let socket: Socket | undefined
  let finishing: (() => void) | undefined
  let closed = false

  function publish(packetId: number, { topic, payload }: SentMessage): Buffer {
    const dup = tried.has(packetId)
    tried.add(packetId)
    return generate({ cmd: 'publish', topic, payload, qos: 1, retain: false, dup, messageId: packetId })
  }

  function after(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer)
      if (!closed) work()
    }, ms)
    timers.add(timer)
  }

  function sendNext(packetId: number): void {
    if (finishing !== undefined) {
      if (waiting.size === 0) finishing()
      return
    }
    const message = maker.next(packetId - 1)
    ledger.record(message)
    waiting.set(packetId, message)
    tried.delete(packetId)
    // While the connection is down the message waits for the next one.
    if (socket?.writable) socket.write(publish(packetId, message))
  }

  function onPuback(packetId: number): void {
    const message = waiting.get(packetId)
    if (message === undefined) return
    markAcked(message)
    waiting.delete(packetId)
    acked++
    after(pauseMs, () => sendNext(packetId))
  }

  function open(onFirst: () => void): void {
    const mqtt = parser({ protocolVersion: 4 })
    const opened = connect({ port, host: '127.0.0.1', noDelay: true })
    mqtt.on('packet', (packet: Packet) => {
      if (packet.cmd === 'puback' && packet.messageId !== undefined) onPuback(packet.messageId)
      if (packet.cmd !== 'connack') return
      if (packet.returnCode !== 0) {
        opened.destroy()
        return
      }
      opened.write(Buffer.concat([...waiting].map(([packetId, message]) => publish(packetId, message))))
      socket = opened
      onFirst()
    })
    mqtt.on('error', () => opened.destroy())
    opened.on('connect', () => {
      const packet = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId: id, clean: false } as const
      opened.write(generate({ ...packet, keepalive: 60, username: id, password: Buffer.from(token) }))
    })
    opened.on('data', (chunk) => mqtt.parse(chunk))
    opened.on('error', () => {})
    opened.on('close', () => {
      socket = undefined
      after(reconnectMs, () => open(() => {}))
    })
  }

  await new Promise<void>((resolve) => open(resolve))
  for (let packetId = 1; packetId <= slots; packetId++) sendNext(packetId)

  return {
    name: `${id} (bare socket, QoS 1, persistent)`,
    get acked() {
      return acked
    },
    finish: () =>
      new Promise((resolve) => {
        finishing = resolve
        if (waiting.size === 0) resolve()
      }),
    async close() {
      closed = true
      for (const timer of timers) clearTimeout(timer)
      socket?.destroy()
    },
  }
}
