import type { AedesPublishPacket, Client, Subscription } from 'aedes'
import type { TopicRules } from '../model/index.ts'
import { mayReceive, maySubscribe, subjectOf, type TopicSubject } from './acl.ts'
import type { BrokerConfig } from './config.ts'
import type { Connection } from './connection.ts'
import { Grants } from './grants.ts'
import type { Interest } from './interest.ts'
import type { BrokerAccess } from './ports.ts'
import { connectionOf } from './roster.ts'

export interface ForwardDeps {
  readonly config: Pick<BrokerConfig, 'subscriberBacklogBytes'>
  readonly access: BrokerAccess
  readonly topics: TopicRules
  readonly interest: Pick<Interest, 'passes'>
}

/** Who may subscribe to what, and gets which of it. */
export interface Forward {
  /** Aedes' `authorizeSubscribe`: null makes it SUBACK 0x80 [MQTT-3.9.3-1]. */
  subscription(client: Client, subscription: Subscription): Subscription | null
  unsubscribed(client: Client, filters: readonly string[]): void
  /**
   * Aedes' `authorizeForward`: null leaves the message out for this subscriber. The packet is this delivery's own, and
   * gets the QoS that the subscriber was granted.
   */
  packet(client: Client, packet: AedesPublishPacket): AedesPublishPacket | null
  /** QoS 0 messages that slow subscribers did not get. */
  readonly droppedTotal: number
}

/** Topics whose subject is remembered; beyond it they are looked up anew. */
const maxSubjects = 10_000

export function createForward({ config, access, topics, interest }: ForwardDeps): Forward {
  const subjects = new Map<string, TopicSubject | undefined>()
  const grantsOf = new WeakMap<Client, Grants>()
  let droppedTotal = 0

  function subject(topic: string): TopicSubject | undefined {
    if (subjects.has(topic)) return subjects.get(topic)
    if (subjects.size >= maxSubjects) subjects.clear()
    const found = subjectOf(topic, topics)
    subjects.set(topic, found)
    return found
  }

  /** QoS 1 and 2 may not be skipped [MQTT-4.5.0-1]: the subscriber is closed, and a persistent session has its queue. */
  function keepsUp(conn: Connection, qos: number): boolean {
    if (conn.writableLength <= config.subscriberBacklogBytes) return true
    if (qos > 0) conn.close('slow subscriber')
    else droppedTotal++
    return qos > 0
  }

  return {
    subscription(client, subscription) {
      const identity = connectionOf(client)?.who?.identity
      if (identity === undefined || !maySubscribe(access, topics, identity, subscription.topic)) return null
      const grants = grantsOf.get(client) ?? new Grants()
      grantsOf.set(client, grants)
      grants.grant(subscription.topic, subscription.qos)
      return subscription
    },
    unsubscribed(client, filters) {
      for (const filter of filters) grantsOf.get(client)?.revoke(filter)
    },
    packet(client, packet) {
      const connection = connectionOf(client)
      if (connection?.who === undefined) return null
      if (!mayReceive(access, connection.who.identity, subject(packet.topic))) return null
      packet.qos = grantsOf.get(client)?.deliverWith(packet.topic, packet.qos) ?? packet.qos
      if (!keepsUp(connection, packet.qos)) return null
      interest.passes(packet.qos)
      return packet
    },
    get droppedTotal() {
      return droppedTotal
    },
  }
}
