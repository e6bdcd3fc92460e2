import type { Client } from 'aedes'
import type { AcceptDeps } from './accept.ts'
import type { Connection } from './connection.ts'
import type { IncomingPacket, Received } from './ports.ts'

/**
 * QoS 2 messages of all sessions on their way to the disk and into their session, by session and packet identifier.
 * Beyond their connections: a session that goes on with another one sends again what has not had its PUBREC yet.
 * Bounded by what may wait for the disk.
 */
export class ExchangesUnderWay {
  readonly #byId = new Map<number, Exchange>()

  get(session: number, packetId: number): Exchange | undefined {
    return this.#byId.get(keyOf(session, packetId))
  }

  /** In place of what is there: nobody waits for the PUBREC of that any more. */
  set(session: number, exchange: Exchange): void {
    this.#byId.set(keyOf(session, exchange.message.messageId), exchange)
  }

  delete(session: number, packetId: number): void {
    this.#byId.delete(keyOf(session, packetId))
  }
}

interface Exchange {
  readonly message: IncomingPacket
  /** Where it was sent last, and PUBREC goes. */
  connection: Connection
}

/** Session numbers have 32 bits, packet identifiers 16. */
function keyOf(session: number, packetId: number): number {
  return session * 65_536 + packetId
}

/** Whose messages they are. */
export interface Qos2Sender {
  readonly client: Client
  readonly session: number
}

/**
 * QoS 2 messages of one connection between PUBLISH and PUBREL. Each is taken once, however often it is sent before its
 * PUBREL [MQTT-4.3.3-2], over reconnects of its session too. PUBREL and PUBCOMP themselves are Aedes' part.
 *
 * A client that has lost its memory, but not its name, begins to count its packet identifiers anew in a session that
 * goes on. What it sends is not lost for that: under the same identifier, other bytes are another message.
 */
export class Qos2Exchanges {
  readonly #sender: Qos2Sender
  readonly #connection: Connection
  readonly #underWay: ExchangesUnderWay
  readonly #deps: Pick<AcceptDeps, 'config' | 'persistence' | 'fanout' | 'counters' | 'publish'>
  /** Packet identifiers that came on this connection and have had no PUBREL. */
  readonly #open = new Set<number>()

  constructor(sender: Qos2Sender, connection: Connection, deps: AcceptDeps) {
    this.#sender = sender
    this.#connection = connection
    this.#underWay = deps.exchanges
    this.#deps = deps
  }

  /** True: not seen before, to be appended; then `appended` follows, and later `durable` or `failed`. Otherwise its PUBREC is seen to. */
  isNew(message: IncomingPacket): boolean {
    const { messageId } = message
    const wasOpen = this.#open.has(messageId)
    if (!wasOpen && this.#open.size >= this.#deps.config.qos2Inflight) {
      this.#connection.close('refused')
      return false
    }
    this.#open.add(messageId)
    const underWay = this.#underWay.get(this.#sender.session, messageId)
    if (underWay === undefined) {
      if (!this.#isNoted(message, wasOpen)) return true
      this.#connection.pubrec(messageId)
      return false
    }
    if (!isSame(underWay.message, message)) return true
    underWay.connection = this.#connection
    return false
  }

  appended(message: IncomingPacket): void {
    this.#underWay.set(this.#sender.session, { message, connection: this.#connection })
  }

  /** Noted in the session before PUBREC, so that the same PUBLISH after a reconnect is known. */
  durable(message: IncomingPacket): void {
    const { persistence, publish, fanout } = this.#deps
    const generation = fanout.begin()
    const send = () => publish({ ...message, dup: false }, generation)
    if (this.#exchangeOf(message) === undefined) {
      send()
      return
    }
    persistence.incomingStorePacket(this.#sender.client, message).then(
      () => {
        this.#acknowledge(message)
        send()
      },
      () => {
        fanout.finish(generation)
        this.#giveUp(message, 'session store unavailable')
      },
    )
  }

  /** It did not get to the disk: whoever sent it last sends it again. */
  failed(message: IncomingPacket): void {
    this.#giveUp(message, 'log unavailable')
  }

  released(packetId: number): void {
    this.#open.delete(packetId)
  }

  /** A clean session ends with its connection: what is open and not under way was noted on it. */
  #isNoted(message: IncomingPacket, wasOpen: boolean): boolean {
    const { client } = this.#sender
    if (client.clean) return wasOpen
    const noted = this.#deps.persistence.incomingMessage(client, message.messageId)
    return noted !== undefined && isSame(noted, message)
  }

  /** Undefined: another message has taken its place. */
  #exchangeOf(message: IncomingPacket): Exchange | undefined {
    const exchange = this.#underWay.get(this.#sender.session, message.messageId)
    return exchange?.message === message ? exchange : undefined
  }

  #acknowledge(message: IncomingPacket): void {
    const exchange = this.#exchangeOf(message)
    if (exchange === undefined) return
    this.#underWay.delete(this.#sender.session, message.messageId)
    this.#deps.counters.acked++
    exchange.connection.pubrec(message.messageId)
  }

  #giveUp(message: IncomingPacket, reason: 'log unavailable' | 'session store unavailable'): void {
    const exchange = this.#exchangeOf(message)
    if (exchange === undefined) return
    this.#underWay.delete(this.#sender.session, message.messageId)
    exchange.connection.close(reason)
  }
}

function isSame(known: Received, message: IncomingPacket): boolean {
  return known.topic === message.topic && message.payload.equals(Buffer.from(known.payload))
}
