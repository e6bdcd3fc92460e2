import type { PublishPacket } from 'aedes'
import {
  AppError,
  type DeviceId,
  type DeviceLimits,
  encodeOrigin,
  frameHeaderBytes,
  frameKind,
  isAppError,
  nativeTopic,
  noSession,
  type TopicRules,
} from '../model/index.ts'
import type { AppendFrame, FrameOwner, LogAppender } from '../store/log/index.ts'
import type { AcceptCounters } from './accept.ts'
import { type BrokerConfig, largestPayloadBytes } from './config.ts'
import type { Fanout, Generation } from './fanout.ts'
import type { Gate } from './gate.ts'
import type { Interest } from './interest.ts'
import type { Pace } from './pace.ts'
import { createPushRates } from './push-rates.ts'
import { TopicTable } from './topic-table.ts'

/** Telemetry that did not come by MQTT. Whether its sender may send it has been looked at. */
export interface PushedMessage {
  /** Whose readings they are. */
  readonly deviceId: DeviceId
  /** Who sends them, as the log names them: a device id, `key:{id}`, `person/{id}`. */
  readonly principal: string
  /** Of the device that sends; of the one that it is about where no device does. */
  readonly limits: DeviceLimits
  /** Whose rate it counts for: that of the limits. */
  readonly limited: DeviceId
  readonly payload: Uint8Array
}

export type PushOutcome =
  /** It is on disk. */
  | { readonly kind: 'durable' }
  | { readonly kind: 'payload_too_large'; readonly bytesMax: number }
  | { readonly kind: 'too_fast'; readonly messagesPerS: number; readonly waitMs: number }

export interface PushDeps {
  readonly appender: LogAppender
  readonly topics: TopicRules
  readonly interest: Interest
  readonly fanout: Fanout
  readonly gate: Gate
  readonly pace: Pick<Pace, 'spend'>
  readonly counters: AcceptCounters
  readonly monotonicMs: () => number
  /** Hands a message to queues and subscribers, and finishes the generation. */
  readonly publish: (packet: PublishPacket, generation: Generation) => void
}

/**
 * Appends the message and resolves when it is on disk. Where an MQTT publisher would be read more slowly, it waits, and
 * is then refused with `log_full` (retryable), as it is when the log has no room.
 */
export type Push = (message: PushedMessage) => Promise<PushOutcome>

/** A publisher that is held back for longer is told to come again. */
const patienceMs = 3_000
/** So that it waits for subscribers who are away. */
const qos1 = 1

export function createPush(config: Pick<BrokerConfig, 'payloadBytes' | 'messagesPerS'>, deps: PushDeps): Push {
  const { appender, interest, fanout, gate, pace, counters, publish } = deps
  const topics = new TopicTable(deps.topics)
  const rates = createPushRates(deps.monotonicMs)

  function entryOf(topic: string) {
    const bytes = Buffer.from(topic)
    return topics.find(bytes, 0, bytes.length) ?? topics.add(bytes, 0, bytes.length)
  }

  function opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = {
        proceed() {
          clearTimeout(timer)
          resolve()
        },
      }
      const timer = setTimeout(() => {
        gate.forget(waiting)
        reject(full('publishers are held back'))
      }, patienceMs)
      gate.wait(waiting)
    })
  }

  function append({ deviceId, principal, payload }: PushedMessage): Promise<PushOutcome> {
    const entry = entryOf(nativeTopic.telemetry(deviceId))
    const mayBeWanted = interest.wanted(entry)
    const owner = { closed: false }
    // No connection has an empty client identifier: what is remembered of its messages is not mixed with this.
    const origin = encodeOrigin(principal, '')
    const about = { flags: qos1, packetId: 0, session: noSession, origin, topic: entry.bytes, payload }
    const frame: AppendFrame = { kind: frameKind.message, ...about }
    return new Promise((resolve, reject) => {
      appender.append(frame, owner satisfies FrameOwner, (error, position) => {
        clearTimeout(timer)
        gate.checkSoon()
        if (error !== undefined) {
          fanout.failed()
          reject(owner.closed && isAppError(error, 'closed') ? full('it waits for room') : error)
          return
        }
        fanout.durable(position)
        counters.acked++
        const packet = { cmd: 'publish', topic: entry.topic, payload: Buffer.from(payload), qos: qos1 } as const
        if (mayBeWanted && entry.wanted) publish({ ...packet, retain: false, dup: false }, fanout.begin())
        resolve({ kind: 'durable' })
      })
      // It is released unwritten if it still waits for room then, and told as soon as that is certain.
      const timer = setTimeout(() => {
        owner.closed = true
      }, patienceMs)
      pace.spend(frameHeaderBytes + origin.length + entry.bytes.length + payload.length)
      fanout.appended()
    })
  }

  return async (message) => {
    const { limits, limited, payload } = message
    const bytesMax = Math.min(limits.payloadBytes ?? config.payloadBytes, largestPayloadBytes)
    if (payload.length > bytesMax) return { kind: 'payload_too_large', bytesMax }
    const messagesPerS = limits.messagesPerS ?? config.messagesPerS
    const waitMs = rates.take(limited, messagesPerS)
    if (waitMs > 0) return { kind: 'too_fast', messagesPerS, waitMs }
    if (appender.full) throw full('it has no room')
    if (gate.shut) await opened()
    return append(message)
  }
}

function full(why: string): AppError {
  return new AppError('log_full', `append a push to the log failed: ${why}`, { retryable: true })
}
