import type { ClientCertificate, DeviceId, DeviceLimits, KeyId, SiteId, SiteScope } from '../model/index.ts'
import type { LogPosition } from '../store/log/index.ts'

/** Who a connection is, once its credentials were found right. */
export type MqttIdentity = (
  | { readonly kind: 'device'; readonly deviceId: DeviceId; readonly limits: DeviceLimits }
  /** An integrator: subscribes within its sites, never publishes. */
  | { readonly kind: 'key'; readonly keyId: KeyId; readonly sites: SiteScope }
) & {
  /** Which of its secrets was shown. */
  readonly secretId: string
  /** Epoch ms from which the credentials are good for nothing; the connection ends then. Undefined: never. */
  readonly expiresMs?: number | undefined
}

export interface MqttCredentials {
  /** Device id, or `key:{id}` of an API key. */
  readonly username: string
  /** Device token, or the API key itself. */
  readonly password: string
}

/** A certificate that TLS has found signed by an authority of `MQTT_CLIENT_CA_FILE`, and the user name beside it. */
export interface MqttCertificate extends ClientCertificate {
  /** Undefined: none was given, and the certificate's name stands for it. */
  readonly username: string | undefined
}

/** What the broker asks about people and things; the app answers it from state. */
export interface BrokerAccess {
  /** Undefined: wrong or unknown; which of the two is not said. Rejects only when state cannot be read (retryable). */
  identify(credentials: MqttCredentials): Promise<MqttIdentity | undefined>
  /** The same for who shows a certificate instead of a password. */
  identifyCertificate(certificate: MqttCertificate): Promise<MqttIdentity | undefined>
  /** From memory, on the way of every message that names another device. */
  isGatewayOf(gateway: DeviceId, device: DeviceId): boolean
  /** From memory. Undefined: no such device. */
  siteOf(device: DeviceId): SiteId | undefined
  /** From memory. It is kept out: it does not get in, and what others send for it goes to nobody. */
  isQuarantined(device: DeviceId): boolean
}

/** A connection whose credentials were right, for people to see. */
export interface ConnectionView {
  /** Of no other connection of this run of the broker. */
  readonly id: number
  /** As the client calls itself; `~` and a number when it has no name. */
  readonly clientId: string
  readonly address: string | undefined
  readonly sinceMs: number
  readonly transport: Transport
  readonly protocol: '3.1' | '3.1.1'
  readonly cleanSession: boolean
  /** 0: none. */
  readonly keepAliveS: number
  readonly secretId: string
}

export const transports = ['tcp', 'tls', 'websocket'] as const
export type Transport = (typeof transports)[number]

/** One MQTT session of one client. */
export interface MqttSession {
  /** Names the session in the log's frames: 1 to 2^32 - 1, of no other session for as long as anybody remembers it. */
  readonly number: number
  /** Whether there was stored state: what CONNACK's session present says [MQTT-3.2.2-2]. */
  readonly present: boolean
}

/** Which session a connection continues or begins. */
export interface SessionRegistry {
  /**
   * For a CONNECT whose credentials were found right; `clientId` as Aedes knows it (namespaced). Clean: what was stored
   * of the client is gone [MQTT-3.1.2-6] and the session is new. Otherwise the stored session, or a new one that is on
   * disk when this resolves. Rejects with `store_unavailable` (retryable) when no more sessions can be kept or the disk
   * does not take one: CONNACK 0x03.
   */
  sessionOf(clientId: string, clean: boolean): Promise<MqttSession>
}

/** How far retained and queued messages have been made from the log (architecture 11). */
export interface FanoutLedger {
  /** Every frame up to here has been fanned out, and what came of it is on disk. 0 at first. */
  readonly fanoutPosition: LogPosition
  /**
   * Resolves once everything stored so far and the position are on disk, in one transaction: after any crash the
   * position is never ahead of the sessions. Positions do not go back. Rejects with `store_unavailable` (retryable)
   * while the disk does not take it.
   */
  commitFanout(position: LogPosition): Promise<void>
}

/** What the broker asks an Aedes persistence itself; Aedes makes all the other calls. */
export interface BrokerPersistence {
  subscriptionsByTopic(topic: string): Promise<readonly unknown[]>
  /**
   * Retains the message if it is to be retained, and queues it for whom it is to wait, in this step: before what is kept
   * after it. Resolves once it is accounted for; a publisher that is faster than the disk waits for it.
   */
  keep(packet: KeptPacket): Promise<void>
  /**
   * The QoS 2 message of a persistent session that is between PUBLISH and PUBREL. It does not wait: what is read from a
   * connection goes to the log in the same step, in order and counted.
   */
  incomingMessage(client: { readonly id: string }, packetId: number): Received | undefined
  incomingStorePacket(client: { readonly id: string }, packet: IncomingPacket): Promise<void>
  delWill(client: { readonly id: string }): Promise<unknown>
  /**
   * Ends the sessions of a principal, drops its wills, and removes the retained messages that these filters match: gone
   * at once, and on disk before the fan-out position goes on.
   */
  forget(principal: string, filters: readonly string[]): void
}

/** A message as Aedes has numbered it. */
export interface KeptPacket {
  readonly topic: string
  readonly payload: Buffer | string
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly brokerId?: string
  readonly brokerCounter?: number
}

/** Tells a repetition from another message under the same packet identifier. */
export interface Received {
  readonly topic: string
  readonly payload: Buffer | string
}

export interface IncomingPacket {
  readonly cmd: 'publish'
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 2
  readonly retain: boolean
  readonly dup: boolean
  readonly messageId: number
}
