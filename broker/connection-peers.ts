import type { ClientCertificate } from '../model/index.ts'
import type { Connection } from './connection.ts'
import type { MqttIdentity, Transport } from './ports.ts'
import type { PublishView, Violation } from './strict/index.ts'

/** What is at the other end, before it has said anything. */
export interface Peer {
  /** Of the client, or of what stands between it and us. */
  readonly address: string | undefined
  readonly transport: Transport
  /** That TLS has found to be signed by a known authority. */
  readonly certificate?: ClientCertificate | undefined
}

/** Who an admitted connection is: what presence, the log's frames and people call it. */
export interface Admitted {
  readonly identity: MqttIdentity
  readonly principal: string
  /** As the client calls itself. */
  readonly clientId: string
  readonly origin: Uint8Array
  readonly sinceMs: number
  readonly protocol: '3.1' | '3.1.1'
  readonly cleanSession: boolean
}

/** Why a connection ended, as presence frames and logs say it. */
export type CloseReason =
  | 'disconnect'
  | 'connection lost'
  | 'keep alive timeout'
  | 'connect timeout'
  | 'taken over'
  | 'credentials expired'
  | 'credentials revoked'
  | 'protocol violation'
  | 'refused'
  | 'log unavailable'
  | 'session store unavailable'
  | 'slow subscriber'
  | 'closed by the platform'

/** Takes what a connection publishes once it is admitted (accept.ts). */
export interface Publisher {
  /** Larger payloads are handed over before they have arrived, so that they are refused without being buffered. */
  readonly payloadBytesMax: number
  /** False: nothing is to be read now; `proceed` is called on the connection when that may have changed. */
  mayRead(): boolean
  /** A PUBLISH that is well formed but for its topic, at most the end of its payload missing; not to be kept. */
  publish(view: PublishView, bytes: Buffer): Violation | undefined
  /** A PUBREL has come: its QoS 2 message is complete. */
  released(packetId: number): void
  /** The connection is gone. */
  end(): void
}

export interface ConnectionHooks {
  received(sizeBytes: number): void
  violation(connection: Connection, violation: Violation): void
  closed(connection: Connection): void
  /** Acks were gathered: `flushAcks` is to be called before this turn of the event loop ends. */
  acksWaiting(connection: Connection): void
}
