import type { Client } from 'aedes'
import type { AcceptDeps } from './accept.ts'
import type { Connection } from './connection.ts'
import type { IncomingPacket } from './ports.ts'

/**
 * QoS 2 messages of one connection between PUBLISH and PUBREL. Each is taken once, however often it is sent before its
 * PUBREL [MQTT-4.3.3-2], over reconnects of its session too. PUBREL and PUBCOMP themselves are Aedes' part.
 */
export class Qos2Exchanges {
  readonly #client: Client
  readonly #connection: Connection
  readonly #deps: Pick<AcceptDeps, 'config' | 'persistence' | 'fanout' | 'counters' | 'publish'>
  /** On their way to the disk and the session, or noted there (then PUBREC is out). */
  readonly #byId = new Map<number, IncomingPacket | 'noted'>()

  constructor(client: Client, connection: Connection, deps: AcceptDeps) {
    this.#client = client
    this.#connection = connection
    this.#deps = deps
  }

  /** True: not seen before, to be appended; `durable` follows once it is on disk. Otherwise its PUBREC is seen to. */
  isNew(message: IncomingPacket): boolean {
    const { messageId } = message
    const known = this.#byId.get(messageId)
    // While it is being noted its PUBREC is still to come.
    if (known === 'noted') this.#connection.pubrec(messageId)
    if (known !== undefined) return false
    if (this.#byId.size >= this.#deps.config.qos2Inflight) {
      this.#connection.close('refused')
      return false
    }
    // A session that goes on may know the message from an earlier connection.
    if (!this.#client.clean && this.#deps.persistence.incomingMessage(this.#client, messageId) !== undefined) {
      this.#acknowledge(messageId)
      return false
    }
    this.#byId.set(messageId, message)
    return true
  }

  /** Noted in the session before PUBREC, so that the same PUBLISH after a reconnect is known. */
  durable(packetId: number): void {
    const { persistence, publish, fanout, counters } = this.#deps
    const message = this.#byId.get(packetId)
    if (message === undefined || message === 'noted') return
    const generation = fanout.begin()
    persistence.incomingStorePacket(this.#client, message).then(
      () => {
        counters.acked++
        this.#acknowledge(packetId)
        publish({ ...message, dup: false }, generation)
      },
      () => {
        fanout.finish(generation)
        this.#connection.close('session store unavailable')
      },
    )
  }

  released(packetId: number): void {
    if (this.#byId.get(packetId) === 'noted') this.#byId.delete(packetId)
  }

  #acknowledge(packetId: number): void {
    this.#byId.set(packetId, 'noted')
    this.#connection.pubrec(packetId)
  }
}
