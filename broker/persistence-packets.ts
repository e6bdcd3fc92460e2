import type { StoredMessage, Subscription, Will } from '../store/sessions/index.ts'

/** What the persistence uses of Aedes' clients and of Aedes itself. */
export interface ClientRef {
  readonly id: string
  readonly clean?: boolean
}

export interface AedesRef {
  readonly id: string
  readonly clients?: Readonly<Record<string, unknown>>
}

export interface PublishRef {
  readonly topic: string
  readonly payload: Buffer | string
  readonly qos?: 0 | 1 | 2
  readonly retain?: boolean
  readonly brokerId?: string
  readonly brokerCounter?: number
}

/** A packet on its way to a client. */
export interface DeliveryRef {
  readonly cmd?: string
  readonly messageId?: number | undefined
  readonly brokerId?: string
  readonly brokerCounter?: number
  dup?: boolean
}

export interface SubscriptionRef {
  readonly topic: string
  /** 128: refused. */
  readonly qos: number
}

export interface WillRef extends PublishRef {
  clientId?: string
  brokerId?: string
}

/** A message from the queue, as Aedes sends it. */
export type QueuedPacket =
  | {
      readonly cmd: 'publish'
      readonly topic: string
      readonly payload: Buffer | string
      readonly qos: 0 | 1 | 2
      readonly retain: boolean
      readonly dup: boolean
      readonly brokerId: string
      readonly brokerCounter: number
      readonly messageId: number | undefined
    }
  | { readonly cmd: 'pubrel'; readonly messageId: number }

export interface QueueSubscription {
  readonly clientId: string
  readonly topic: string
  readonly qos: 0 | 1 | 2
}

const known = new Set(['cmd', 'topic', 'payload', 'qos', 'retain'])
/** Of one delivery or one connection, not of the message. */
const passing = new Set(['brokerId', 'brokerCounter', 'clientId', 'messageId', 'dup', 'length'])

export function toMessage({ topic, payload, qos, retain }: PublishRef): StoredMessage {
  return { topic, payload, qos: qos ?? 0, retain: retain ?? false }
}

export function toRetained({ topic, payload, qos, extra }: StoredMessage) {
  return { cmd: 'publish', topic, payload, qos, retain: true, ...extra }
}

export function toWill({ clientId, brokerId, message }: Will) {
  const { topic, payload, qos, retain, extra } = message
  return { topic, payload, qos, retain, clientId, brokerId, ...extra }
}

export function toSubscription(sub: SubscriptionRef): readonly Subscription[] {
  const { topic, qos, ...rest } = sub
  if (qos !== 0 && qos !== 1 && qos !== 2) return []
  return [{ filter: topic, qos, extra: extraOf(rest) }]
}

/** What a packet says beyond MQTT 3.1.1 comes back as it was. */
export function extraOf(packet: object): Record<string, unknown> | undefined {
  const entries = Object.entries(packet).filter(
    ([name, value]) => !known.has(name) && !passing.has(name) && value !== undefined,
  )
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}
