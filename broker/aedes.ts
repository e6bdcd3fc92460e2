import type { EventEmitter } from 'node:events'
import type { Aedes, AedesOptions } from 'aedes'
import type { Logger } from 'pino'
import type { Admit } from './admit.ts'
import type { BrokerConfig } from './config.ts'
import type { Forward } from './forward.ts'
import type { DeliveryBus } from './interest.ts'
import { OrderedAedes } from './ordered-aedes.ts'
import type { BrokerPersistence } from './ports.ts'
import { connectionOf, type Roster } from './roster.ts'
import type { Wills } from './wills.ts'

export interface AedesDeps {
  readonly config: BrokerConfig
  readonly persistence: BrokerPersistence
  readonly bus: DeliveryBus
  readonly admit: Admit
  readonly forward: Forward
  readonly roster: Roster
  readonly wills: Wills
  readonly logger: Logger
}

/** A client that does not read is cut after this; `subscriberBacklogBytes` bounds what is kept for it meanwhile. */
const drainTimeoutMs = 60_000
/** The most that Aedes can match; what a device may publish is bounded lower (`topicLevels`). */
const topicLevelsMax = 100

/**
 * Aedes keeps sessions, subscriptions, retained messages, wills and deliveries. PUBLISH and keep alive are ours
 * (accept.ts, connection.ts), and every packet it sees has been checked (strict/).
 */
export async function openAedes(deps: AedesDeps): Promise<Aedes> {
  const { config, persistence, bus, admit, forward, roster, wills, logger } = deps
  const options: AedesOptions = {
    heartbeatInterval: config.heartbeatMs,
    connectTimeout: config.connectTimeoutMs,
    drainTimeout: drainTimeoutMs,
    maxTopicLevels: topicLevelsMax,
    // The limit of MQTT 3.1 is checked before: here the identifier carries its principal.
    maxClientsIdLength: Number.MAX_SAFE_INTEGER,
    preConnect(client, packet, done) {
      admit.prepare(client, packet)
      done(null, true)
    },
    authenticate(client, username, password, done) {
      admit.authenticate(client, username, password).then(
        () => {
          roster.willRegister(client)
          done(null, true)
        },
        (error) => done(error, false),
      )
    },
    authorizePublish: wills.authorize,
    authorizeSubscribe(client, subscription, done) {
      const granted = forward.subscription(client, subscription)
      // Aedes hands the whole SUBSCRIBE to the persistence, which leaves out what carries the code of a refusal.
      if (granted === null) Object.assign(subscription, { qos: 0x80 })
      done(null, granted)
    },
    authorizeForward: forward.packet,
  }
  const aedes = new OrderedAedes(options, bus, persistence)
  await aedes.listen()
  aedes.on('client', roster.registered)
  aedes.on('clientDisconnect', roster.unregistered)
  aedes.on('unsubscribe', (filters, client) => forward.unsubscribed(client, filters))
  aedes.on('connackSent', (connack, client) => {
    if (connack.returnCode === 0) connectionOf(client)?.open()
  })
  // Before it is admitted, what it calls itself may be a secret in the wrong place.
  aedes.on('clientError', (client, error) =>
    logger.debug({ err: error, client: client.connected ? client.id : undefined }, 'connection failed'),
  )
  aedes.on('connectionError', (_client, error) => logger.debug({ err: error }, 'connection refused'))
  // What its own housekeeping, or the lookup of offline subscribers, could not do; an event that its types do not name.
  const emitter: EventEmitter = aedes
  emitter.on('error', (error) => logger.error({ err: error }, 'upkeep of sessions and wills failed'))
  return aedes
}
