import type { Client, PublishPacket } from 'aedes'
import {
  AppError,
  encodeOrigin,
  frameFlags,
  frameKind,
  isDeviceId,
  resolveTopic,
  type TopicRules,
} from '../model/index.ts'
import type { LogAppender } from '../store/log/index.ts'
import { mayPublish } from './acl.ts'
import type { BrokerAccess, BrokerPersistence, MqttIdentity } from './ports.ts'
import { connectionOf } from './roster.ts'

export interface WillDeps {
  readonly access: BrokerAccess
  readonly appender: LogAppender
  readonly persistence: BrokerPersistence
  readonly topics: TopicRules
}

export interface Wills {
  authorize(client: Client | null, packet: PublishPacket, done: (error?: Error | null) => void): void
  /** Wills on their way to the disk. */
  readonly pending: number
}

/** A will is published whether or not anybody waits for it: its client is gone by definition. */
const owner = { closed: false } as const

/**
 * Aedes' `authorizePublish`, which is left for wills alone: the will becomes a frame of the log before it is published.
 * `client` is null for a will that a crash left behind; it is kept until the log has it.
 */
export function createWills({ access, appender, persistence, topics }: WillDeps): Wills {
  let pending = 0

  /**
   * A will that a crash left becomes a message of this run, with a place in its order: queues of offline sessions go by
   * that. The log has it now, so that it is not owed any more, whatever becomes of its delivery.
   */
  async function adopt(packet: PublishPacket): Promise<void> {
    Object.assign(packet, { brokerId: undefined })
    await persistence.delWill({ id: clientIdOf(packet) })
  }

  return {
    get pending() {
      return pending
    },
    authorize(client, packet, done) {
      const sender = client === null ? orphan(packet, access) : present(client, access)
      const deviceId = resolveTopic(packet.topic, topics)?.deviceId
      if (sender === undefined || !mayPublish(access, sender.identity, deviceId)) {
        if (client === null) persistence.delWill({ id: clientIdOf(packet) }).catch(ignoreFailure)
        done(new AppError('forbidden', `publish will on ${packet.topic} failed: its device may not publish there`))
        return
      }
      const { origin, session } = sender
      const flags = packet.qos | (packet.retain ? frameFlags.retain : 0)
      const payload = Buffer.from(packet.payload)
      const frame = { kind: frameKind.message, flags, packetId: 0, session, origin, topic: packet.topic, payload }
      try {
        appender.append(frame, owner, (error) => {
          pending--
          if (client === null && error === undefined) adopt(packet).then(() => done(), done)
          else done(error)
        })
        pending++
      } catch (error) {
        done(error instanceof Error ? error : new AppError('internal', 'append will to log failed', { cause: error }))
      }
    },
  }
}

interface Sender {
  readonly identity: Pick<MqttIdentity & { kind: 'device' }, 'kind' | 'deviceId'>
  readonly origin: Uint8Array
  readonly session: number
}

/** A device that was removed while it was connected leaves no will. */
function present(client: Client, access: BrokerAccess): Sender | undefined {
  const connection = connectionOf(client)
  if (connection?.who === undefined) return undefined
  const { identity, origin } = connection.who
  if (identity.kind !== 'device' || access.siteOf(identity.deviceId) === undefined) return undefined
  return { identity, origin, session: connection.session }
}

/**
 * The will names its client as Aedes knows it: principal, slash, the client's own identifier. Undefined: its device has
 * gone in the meantime.
 */
function orphan(will: PublishPacket, access: BrokerAccess): Sender | undefined {
  const id = clientIdOf(will)
  const slash = id.indexOf('/')
  const principal = id.slice(0, slash)
  if (slash < 0 || !isDeviceId(principal) || access.siteOf(principal) === undefined) return undefined
  const origin = encodeOrigin(principal, id.slice(slash + 1))
  return { identity: { kind: 'device', deviceId: principal }, origin, session: 0 }
}

function clientIdOf(will: PublishPacket): string {
  return 'clientId' in will && typeof will.clientId === 'string' ? will.clientId : ''
}

/** Tried again with the next round of wills. */
function ignoreFailure(): void {}
