import type { Client, PublishPacket } from 'aedes'
import { frameFlags, frameHeaderBytes, frameKind, type TopicRules } from '../model/index.ts'
import type { AppendFrame, FrameOwner, LogAppender, LogPosition } from '../store/log/index.ts'
import { mayPublish, principalOf } from './acl.ts'
import { type BrokerConfig, largestPayloadBytes } from './config.ts'
import type { Connection } from './connection.ts'
import type { Publisher } from './connection-peers.ts'
import type { Fanout, Generation } from './fanout.ts'
import type { Gate } from './gate.ts'
import { Inflight, type Sequel } from './inflight.ts'
import type { Interest } from './interest.ts'
import type { Pace } from './pace.ts'
import type { BrokerAccess, BrokerPersistence, MqttIdentity } from './ports.ts'
import { type ExchangesUnderWay, Qos2Exchanges } from './qos2.ts'
import { TokenBucket } from './rate.ts'
import type { RefusalReason, Refusals } from './refusals.ts'
import { checkTopicName, type PublishView, type Violation } from './strict/index.ts'
import { type TopicEntry, TopicTable } from './topic-table.ts'

/** What all connections of a broker publish through. */
export interface AcceptDeps {
  readonly config: BrokerConfig
  readonly access: BrokerAccess
  readonly appender: LogAppender
  readonly topics: TopicRules
  readonly persistence: BrokerPersistence
  readonly interest: Interest
  readonly exchanges: ExchangesUnderWay
  readonly fanout: Fanout
  readonly gate: Gate
  readonly pace: Pick<Pace, 'spend'>
  readonly refusals: Refusals
  readonly counters: AcceptCounters
  readonly monotonicMs: () => number
  /** Hands a message to retained messages, queues and subscribers, and finishes the generation. */
  readonly publish: (packet: PublishPacket, generation: Generation) => void
}

export interface AcceptCounters {
  acked: number
  droppedQos0: number
}

/** Whose messages they are. */
export interface Sender {
  readonly identity: MqttIdentity
  readonly client: Client
  readonly session: number
  readonly origin: Uint8Array
}

type Done = (error: Error | undefined, position: LogPosition) => void

/** QoS 0 asks for no ack: nobody waits for it. */
function qos0Done({ fanout, counters, gate }: AcceptDeps): Done {
  return (error, position) => {
    gate.checkSoon()
    if (error === undefined) return fanout.durable(position)
    counters.droppedQos0++
    fanout.failed()
  }
}

export interface Accept {
  publisher(connection: Connection, sender: Sender): Publisher
}

export function createAccept(deps: AcceptDeps): Accept {
  const done0 = qos0Done(deps)
  return { publisher: (connection, sender) => new MessagePublisher(connection, sender, deps, done0) }
}

/**
 * The way of a reading: topic, right, limits, log, and the ack only when the log has it on disk. The messages of a
 * connection become durable, and are acknowledged, in the order in which they came [MQTT-4.6.0-2].
 */
class MessagePublisher implements Publisher, FrameOwner {
  readonly payloadBytesMax: number
  /** The connection has gone: what waits for a full log is not wanted any more. */
  closed = false
  readonly #connection: Connection
  readonly #sender: Sender
  readonly #deps: AcceptDeps
  readonly #done0: Done
  readonly #topicLevelsMax: number
  readonly #topics: TopicTable
  /** Reused for every message: the appender copies. */
  readonly #frame: { -readonly [Field in keyof AppendFrame]: AppendFrame[Field] }
  readonly #inflight = new Inflight()
  #full = false
  readonly #rate: TokenBucket | undefined
  #pause: NodeJS.Timeout | undefined
  /** From the first QoS 2 message on: most devices never send one. */
  #qos2: Qos2Exchanges | undefined

  constructor(connection: Connection, sender: Sender, deps: AcceptDeps, done0: Done) {
    this.#connection = connection
    this.#sender = sender
    this.#deps = deps
    this.#done0 = done0
    const { config } = deps
    const limits = sender.identity.kind === 'device' ? sender.identity.limits : {}
    this.payloadBytesMax = Math.min(limits.payloadBytes ?? config.payloadBytes, largestPayloadBytes)
    this.#topicLevelsMax = limits.topicLevels ?? config.topicLevels
    const perS = limits.messagesPerS ?? config.messagesPerS
    this.#rate = perS > 0 ? new TokenBucket(perS, deps.monotonicMs()) : undefined
    this.#topics = new TopicTable(deps.topics)
    const { session, origin } = sender
    const nothing = Buffer.alloc(0)
    this.#frame = { kind: frameKind.message, flags: 0, packetId: 0, session, origin, topic: nothing, payload: nothing }
  }

  mayRead(): boolean {
    if (this.#deps.gate.shut) {
      this.#deps.gate.wait(this.#connection)
      return false
    }
    return !this.#full && this.#pause === undefined
  }

  publish(view: PublishView, bytes: Buffer): Violation | undefined {
    let entry = this.#topics.find(bytes, view.topicStart, view.topicEnd)
    if (entry === undefined) {
      const violation = checkTopicName(bytes, view.topicStart, view.topicEnd)
      if (violation !== undefined) return violation
      entry = this.#topics.add(bytes, view.topicStart, view.topicEnd)
    }
    const payload = bytes.subarray(view.payloadStart, view.end)
    const reason = this.#refuses(entry, view.end - view.payloadStart)
    if (reason !== undefined) this.#refuse(reason, entry, payload)
    else if (view.qos === 0) this.#publish0(view, entry, payload)
    else if (view.qos === 1) this.#publish1(view, entry, payload)
    else this.#publish2(view, entry, payload)
    this.#slowDown()
    return undefined
  }

  released(packetId: number): void {
    this.#qos2?.released(packetId)
  }

  end(): void {
    this.closed = true
    clearTimeout(this.#pause)
    this.#deps.gate.forget(this.#connection)
  }

  #refuses(entry: TopicEntry, payloadBytes: number): RefusalReason | undefined {
    if (entry.levels > this.#topicLevelsMax) return 'topic_too_deep'
    if (!mayPublish(this.#deps.access, this.#sender.identity, entry.deviceId)) return 'forbidden_topic'
    return payloadBytes > this.payloadBytesMax ? 'payload_too_large' : undefined
  }

  /** MQTT 3.1.1 has no negative ack [MQTT-3.3.5-2]: the connection ends, and the message is listed. */
  #refuse(reason: RefusalReason, entry: TopicEntry, payload: Buffer): void {
    const { session, origin, identity } = this.#sender
    const principal = principalOf(identity)
    this.#deps.refusals.record({ reason, principal, origin, session, topic: entry.bytes, payload })
    this.#connection.close('refused')
  }

  #publish0(view: PublishView, entry: TopicEntry, payload: Buffer): void {
    const { appender, counters, interest, fanout, publish } = this.#deps
    if (appender.full) {
      counters.droppedQos0++
      return
    }
    if (!this.#append(view, entry, payload, this.#done0)) {
      counters.droppedQos0++
      return
    }
    if (view.retain || interest.wanted(entry)) publish(outgoingPacket(view, entry.topic, payload), fanout.begin())
  }

  #publish1(view: PublishView, entry: TopicEntry, payload: Buffer): void {
    const mayBeWanted = view.retain || this.#deps.interest.wanted(entry)
    const packet = mayBeWanted ? outgoingPacket(view, entry.topic, payload) : undefined
    const sequel = packet && ({ kind: 'delivery', packet, entry } as const)
    if (this.#append(view, entry, payload, this.#done)) this.#await(view.packetId, payload.length, sequel)
    else this.#connection.close('log unavailable')
  }

  #publish2(view: PublishView, entry: TopicEntry, payload: Buffer): void {
    const { retain, dup, packetId: messageId } = view
    this.#qos2 ??= new Qos2Exchanges(this.#sender, this.#connection, this.#deps)
    const message = { cmd: 'publish', topic: entry.topic, payload, qos: 2, retain, dup, messageId } as const
    if (!this.#qos2.isNew(message)) return
    if (!this.#append(view, entry, payload, this.#done)) {
      this.#connection.close('log unavailable')
      return
    }
    this.#qos2.appended(message)
    this.#await(messageId, payload.length, { kind: 'exchange', message })
  }

  #await(packetId: number, size: number, sequel: Sequel | undefined): void {
    const { inflightMessages, inflightBytes } = this.#deps.config
    this.#inflight.push(packetId, size, sequel)
    if (this.#inflight.count >= inflightMessages || this.#inflight.bytes >= inflightBytes) this.#full = true
  }

  /** False: the log did not take it, and nothing more is to come of it. `done` follows later, in the order of the appends. */
  #append(view: PublishView, entry: TopicEntry, payload: Buffer, done: Done): boolean {
    const frame = this.#frame
    frame.flags = view.qos | (view.dup ? frameFlags.dup : 0) | (view.retain ? frameFlags.retain : 0)
    frame.packetId = view.packetId
    frame.topic = entry.bytes
    frame.payload = payload
    try {
      this.#deps.appender.append(frame, this, done)
    } catch {
      return false
    }
    this.#deps.pace.spend(frameHeaderBytes + frame.origin.length + entry.bytes.length + payload.length)
    this.#deps.fanout.appended()
    return true
  }

  /** Called in the order of the appends. */
  #done: Done = (error, position) => {
    const inflight = this.#inflight
    const packetId = inflight.headId
    const sequel = inflight.headSequel
    inflight.shift()
    if (this.#full) this.#full = !this.#isHalfEmpty()
    const { fanout, gate } = this.#deps
    gate.checkSoon()
    if (error !== undefined) {
      fanout.failed()
      this.#connection.close('log unavailable')
      if (sequel?.kind === 'exchange') this.#qos2?.failed(sequel.message)
      return
    }
    fanout.durable(position)
    if (sequel?.kind === 'exchange') this.#qos2?.durable(sequel.message)
    else this.#durable1(packetId, sequel)
  }

  #durable1(packetId: number, sequel: Extract<Sequel, { kind: 'delivery' }> | undefined): void {
    const { counters, fanout, publish } = this.#deps
    counters.acked++
    this.#connection.puback(packetId)
    // Offline subscribers were looked up meanwhile; who has subscribed since then was not there when the message came.
    if (sequel !== undefined && (sequel.packet.retain || sequel.entry.wanted)) publish(sequel.packet, fanout.begin())
  }

  #isHalfEmpty(): boolean {
    const { inflightMessages, inflightBytes } = this.#deps.config
    return this.#inflight.count * 2 <= inflightMessages && this.#inflight.bytes * 2 <= inflightBytes
  }

  /** Above its rate the socket is not read until the bucket is even again; nothing is dropped. */
  #slowDown(): void {
    const waitMs = this.#rate?.spend(this.#deps.monotonicMs()) ?? 0
    if (waitMs === 0 || this.closed || this.#pause !== undefined) return
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      this.#connection.proceed()
    }, waitMs)
  }
}

/** What subscribers get: DUP is this delivery's, not the publisher's [MQTT-3.3.1-3]. */
function outgoingPacket(view: PublishView, topic: string, payload: Buffer): PublishPacket {
  return { cmd: 'publish', topic, payload, qos: view.qos, retain: view.retain, dup: false }
}
