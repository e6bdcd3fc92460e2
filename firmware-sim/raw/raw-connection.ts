import { connect, type Socket } from 'node:net'
import { generate } from 'mqtt-packet'
import type { LatencyHistogram } from '../../model/index.ts'
import type { PreparedPublishes } from './prepared-publishes.ts'

const packetIds = 0x8000
const sampleEvery = 64
const connack = 0x20
const puback = 0x40
const readBytes = 4_096

export interface RawConnectionOptions {
  readonly host: string
  readonly port: number
  readonly clientId: string
  readonly username: string | undefined
  readonly password: string | undefined
  readonly devices: number
  /** Messages that may wait for their PUBACK. */
  readonly window: number
}

/**
 * One connection that keeps its window full of prepared messages and counts PUBACKs byte by byte. One object for
 * hundreds of thousands of messages a second, hence a class with plain fields.
 */
export class RawConnection {
  sent = 0
  acked = 0
  /** PUBACKs per device of the connection. */
  readonly ackedOf: Float64Array
  /** Why it ended before it was asked to. */
  failure: string | undefined
  readonly #options: RawConnectionOptions
  readonly #publishes: PreparedPublishes
  readonly #latencies: LatencyHistogram
  /** Device + 1 of the message that waits under a packet identifier, 0 where none does. */
  readonly #waiting = new Uint16Array(packetIds + 1)
  readonly #sentAtMs = new Float64Array(packetIds / sampleEvery)
  #socket: Socket | undefined
  #sending = false
  /** Messages that may have been sent by now, whatever the window leaves. */
  #allowed = Number.POSITIVE_INFINITY
  #accepted = false
  /** The part of a PUBACK (MQTT 3.1.1, 3.4) that the next byte is. */
  #expected: 'type' | 'length' | 'high' | 'low' = 'type'
  #packetIdHigh = 0

  constructor(options: RawConnectionOptions, publishes: PreparedPublishes, latencies: LatencyHistogram) {
    this.#options = options
    this.#publishes = publishes
    this.#latencies = latencies
    this.ackedOf = new Float64Array(options.devices)
  }

  /** Resolves when the broker has accepted the connection. */
  open(signal: AbortSignal): Promise<void> {
    const { host, port, clientId, username, password } = this.#options
    return new Promise((resolve, reject) => {
      const give = (reason: string) => {
        signal.removeEventListener('abort', giveUp)
        reject(new Error(`connect ${clientId} failed: ${reason}`))
      }
      // Only while it opens: given to `connect` the signal would end the connection at any later time too.
      const giveUp = () => {
        this.#fail('took too long to open')
        give('took too long')
      }
      signal.addEventListener('abort', giveUp, { once: true })
      // One buffer for all that ever arrives: PUBACKs are counted where they lie.
      const buffer = Buffer.allocUnsafe(readBytes)
      const socket = connect({
        host,
        port,
        noDelay: true,
        onread: {
          buffer,
          callback: (length) => {
            if (this.#accepted) this.#onPubacks(buffer, length)
            else if (length === 4 && buffer[0] === connack && buffer[3] === 0) {
              this.#accepted = true
              signal.removeEventListener('abort', giveUp)
              resolve()
            } else give(`the broker answered ${buffer.toString('hex', 0, length)}`)
            return true
          },
        },
      })
      this.#socket = socket
      socket.on('drain', () => this.#fillWindow())
      socket.on('error', (error) => {
        this.#fail(error.message)
        give(error.message)
      })
      socket.on('close', () => {
        this.#fail('closed by the broker')
        give('closed by the broker')
      })
      const packet = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId, clean: true } as const
      const name = username === undefined ? {} : { username }
      const secret = password === undefined ? {} : { password: Buffer.from(password) }
      socket.write(generate({ ...packet, keepalive: 0, ...name, ...secret }))
    })
  }

  /** From now on no more than so many messages in all, until more are allowed. */
  allow(messages: number): void {
    this.#allowed = messages
    this.#fillWindow()
  }

  startSending(): void {
    this.#sending = true
    this.#fillWindow()
  }

  stopSending(): void {
    this.#sending = false
  }

  close(): void {
    this.#sending = false
    this.#socket?.removeAllListeners('close')
    this.#socket?.destroy()
  }

  #fillWindow(): void {
    const socket = this.#socket
    if (socket === undefined || !this.#sending) return
    const { window, devices } = this.#options
    const { bytes, count, offsets } = this.#publishes
    // A packet may be patched only when the system has taken the write that it was in.
    while (socket.writableLength === 0) {
      const first = this.sent % count
      const free = Math.min(window - (this.sent - this.acked), this.#allowed - this.sent)
      const end = Math.min(count, first + free)
      if (end <= first) return
      const now = performance.now()
      let n = this.sent
      for (let slot = first; slot < end; slot++, n++) {
        const packetId = (n % packetIds) + 1
        this.#publishes.patch(slot, n, packetId)
        this.#waiting[packetId] = (n % devices) + 1
        if (packetId % sampleEvery === 0) this.#sentAtMs[packetId / sampleEvery - 1] = now
      }
      this.sent = n
      socket.write(bytes.subarray(offsets[first], offsets[end]))
    }
  }

  /** Byte by byte, so that it does not matter where a read cuts a packet. */
  #onPubacks(bytes: Buffer, length: number): void {
    let expected = this.#expected
    for (let at = 0; at < length; at++) {
      const byte = bytes[at] ?? 0
      if (expected === 'low') {
        this.#onPuback((this.#packetIdHigh << 8) | byte)
        expected = 'type'
      } else if (expected === 'high') {
        this.#packetIdHigh = byte
        expected = 'low'
      } else if (byte === (expected === 'type' ? puback : 2)) {
        expected = expected === 'type' ? 'length' : 'high'
      } else {
        this.#fail(`answered ${bytes.toString('hex', at, at + 4)}: not a PUBACK`)
        return
      }
    }
    this.#expected = expected
    this.#fillWindow()
  }

  #onPuback(packetId: number): void {
    const waiting = this.#waiting[packetId] ?? 0
    if (waiting === 0) {
      this.#fail(`answered PUBACK ${packetId}, which nothing waits for`)
      return
    }
    this.#waiting[packetId] = 0
    this.acked++
    this.ackedOf[waiting - 1] = (this.ackedOf[waiting - 1] ?? 0) + 1
    if (packetId % sampleEvery === 0) {
      this.#latencies.add(performance.now() - (this.#sentAtMs[packetId / sampleEvery - 1] ?? 0))
    }
  }

  #fail(reason: string): void {
    this.failure ??= reason
    this.close()
  }
}
