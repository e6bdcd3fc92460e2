import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { isAppError } from '../model/index.ts'
import type { MqttSessions, Outgoing } from '../store/sessions/index.ts'
import {
  type AedesRef,
  type ClientRef,
  type DeliveryRef,
  extraOf,
  type PublishRef,
  type QueuedPacket,
  type QueueSubscription,
  type SubscriptionRef,
  toMessage,
  toRetained,
  toSubscription,
  toWill,
  type WillRef,
} from './persistence-packets.ts'
import type { BrokerPersistence, FanoutLedger, SessionRegistry } from './ports.ts'

export type SessionPersistence = ReturnType<typeof createSessionPersistence>

/** Broker id of queued messages that this run of the broker has not published itself. */
const earlierRun = 'earlier'
const noSubscriptions = Promise.resolve([])
const done = Promise.resolve()

/** The persistence that Aedes is given: its packets to our sessions and back. The sessions are open. */
export function createSessionPersistence(sessions: MqttSessions) {
  const { table, subscriptions, outgoing, incoming, retained, wills, fanout } = sessions
  let broker: AedesRef = { id: '' }
  let base = 0
  let connections = 0
  const connectionNumbers = new WeakMap<object, number>()
  /** Received QoS 2 messages of clean sessions: those end with their connection and need no disk. */
  const received = new WeakMap<object, Set<number>>()
  const noSuchPacket = new Error('no such packet')

  /** Aedes counts what it publishes from 1; the queue counts on across restarts. */
  function sequenceOf(packet: DeliveryRef | PublishRef): number | undefined {
    const { brokerId, brokerCounter } = packet
    if (brokerCounter === undefined) return undefined
    if (brokerId === broker.id) return base + brokerCounter
    return brokerId === earlierRun ? brokerCounter : undefined
  }

  function toPacket(item: Outgoing): QueuedPacket {
    if (item.kind === 'release') return { cmd: 'pubrel', messageId: item.packetId }
    const { sequence, packetId, message } = item
    const { topic, payload, qos } = message
    const origin =
      sequence > base
        ? { brokerId: broker.id, brokerCounter: sequence - base }
        : { brokerId: earlierRun, brokerCounter: sequence }
    // The session had subscribed before the message came [MQTT-3.3.1-9].
    return { cmd: 'publish', topic, payload, qos, retain: false, dup: false, ...origin, messageId: packetId }
  }

  function connectionOf(client: ClientRef): number {
    let number = connectionNumbers.get(client)
    if (number === undefined) {
      number = ++connections
      connectionNumbers.set(client, number)
    }
    return number
  }

  async function enqueue(clientIds: readonly string[], packet: PublishRef): Promise<void> {
    const sequence = sequenceOf(packet)
    if (sequence === undefined)
      throw new Error(`queue a message on ${packet.topic} failed: it has no place in the order`)
    await outgoing.enqueue(clientIds, sequence, toMessage(packet))
  }

  function retainedStream(filters: readonly string[]): Readable {
    return Readable.from(whileOpen(filters, (filter) => map(retained.matching(filter), toRetained)))
  }

  const persistence = {
    // Aedes insists on an async function.
    async setup(aedes: AedesRef): Promise<void> {
      broker = aedes
      base = outgoing.nextBase()
      sessions.watch((clientId) => broker.clients?.[clientId] !== undefined)
    },

    async destroy(): Promise<void> {
      sessions.watch(() => true)
    },

    async storeRetained(packet: PublishRef): Promise<void> {
      retained.keep({ ...toMessage(packet), retain: true, extra: extraOf(packet) })
    },

    async keep(packet: PublishRef): Promise<void> {
      if (packet.retain) retained.keep({ ...toMessage(packet), retain: true, extra: extraOf(packet) })
      if (packet.qos === 0 || subscriptions.isEmpty) return
      const clientIds: string[] = []
      subscriptions.match(packet.topic, ({ clientId }) => clientIds.push(clientId))
      if (clientIds.length > 0) await enqueue(clientIds, packet)
    },

    createRetainedStream: (filter: string) => retainedStream([filter]),
    createRetainedStreamCombi: (filters: readonly string[]) => retainedStream(filters),

    async addSubscriptions(client: ClientRef, subs: readonly SubscriptionRef[]): Promise<void> {
      // Aedes hands over the whole SUBSCRIBE with its first filter; by the next microtask all have been judged.
      await done
      const granted = subs.flatMap(toSubscription)
      if (granted.length > 0) await subscriptions.add(client.id, granted)
    },

    removeSubscriptions: (client: ClientRef, filters: readonly string[]) => subscriptions.remove(client.id, filters),

    async subscriptionsByClient(client: ClientRef) {
      return subscriptions.of(client.id).map(({ filter, qos, extra }) => ({ topic: filter, qos, ...extra }))
    },

    /** On the way of every published message: costs nothing where no persistent session subscribes with QoS 1 or 2. */
    subscriptionsByTopic(topic: string): Promise<readonly QueueSubscription[]> {
      if (subscriptions.isEmpty) return noSubscriptions
      const found: QueueSubscription[] = []
      subscriptions.match(topic, ({ clientId }, { filter, qos, extra }) => {
        found.push({ clientId, topic: filter, qos, ...extra })
      })
      return Promise.resolve(found)
    },

    /** Called for a CONNECT with clean session: nothing of the old one may remain [MQTT-3.1.2-6]. */
    async cleanSubscriptions(client: ClientRef): Promise<void> {
      table.end(client.id)
    },

    async countOffline() {
      const { subscriptions: subsCount, clients: clientsCount } = subscriptions.count()
      return { subsCount, clientsCount }
    },

    getClientList: (filter: string) => Readable.from(subscriptions.holders(filter)),

    outgoingEnqueue: (sub: { readonly clientId: string }, packet: PublishRef) => enqueue([sub.clientId], packet),

    outgoingEnqueueCombi(subs: readonly { readonly clientId: string }[], packet: PublishRef): Promise<void> {
      if (subs.length === 0) return done
      return enqueue(
        subs.map(({ clientId }) => clientId),
        packet,
      )
    },

    async outgoingUpdate(client: ClientRef, packet: DeliveryRef): Promise<void> {
      const { messageId } = packet
      if (messageId === undefined) return
      if (packet.cmd === 'pubrel') {
        // A PUBREC for what we do not know is answered all the same: its sender waits for the PUBREL.
        await outgoing.releasing(client.id, messageId)
        return
      }
      const sequence = sequenceOf(packet)
      // Not in the queue (it had no room): then it is sent this once.
      if (sequence === undefined) return
      const kind = await outgoing.sending(client.id, sequence, messageId, connectionOf(client))
      if (kind === 'again') packet.dup = true // [MQTT-3.3.1-1]
    },

    async outgoingClearMessageId(client: ClientRef, packet: DeliveryRef): Promise<QueuedPacket | undefined> {
      const { messageId } = packet
      if (messageId !== undefined) {
        const item = outgoing.complete(client.id, messageId)
        return item && toPacket(item)
      }
      // Aedes calls this without an identifier for what it does not send: either the client may not have it, or it has
      // it already through another of its subscriptions. The latter is put in flight within this turn of the loop.
      const sequence = sequenceOf(packet)
      if (sequence === undefined) return undefined
      await setImmediate()
      outgoing.withdraw(client.id, sequence)
      return undefined
    },

    outgoingStream: (client: ClientRef) =>
      Readable.from(whileOpen([client.id], (clientId) => map(outgoing.owed(clientId), toPacket))),

    async incomingStorePacket(client: ClientRef, packet: PublishRef & { readonly messageId: number }): Promise<void> {
      if (client.clean === true) {
        const identifiers = received.get(client) ?? new Set()
        received.set(client, identifiers.add(packet.messageId))
      } else await incoming.add(client.id, packet.messageId, { ...toMessage(packet), extra: extraOf(packet) })
    },

    incomingMessage: (client: ClientRef, packetId: number) => incoming.get(client.id, packetId),

    /** Rejects when there is none. */
    async incomingGetPacket(client: ClientRef, packet: { readonly messageId: number }) {
      const { messageId } = packet
      if (client.clean === true) {
        if (received.get(client)?.has(messageId) === true) return { cmd: 'publish', messageId }
        throw noSuchPacket
      }
      const message = incoming.get(client.id, messageId)
      if (message === undefined) throw noSuchPacket
      const { topic, payload, qos, retain, extra } = message
      return { cmd: 'publish', topic, payload, qos, retain, dup: false, messageId, ...extra }
    },

    async incomingDelPacket(client: ClientRef, packet: { readonly messageId: number }): Promise<void> {
      const { messageId } = packet
      const removed =
        client.clean === true ? received.get(client)?.delete(messageId) : await incoming.remove(client.id, messageId)
      if (removed !== true) throw noSuchPacket
    },

    async cleanIncoming(client: ClientRef): Promise<void> {
      received.delete(client)
      incoming.clear(client.id)
    },

    /** Marks the packet with its client and broker, as every Aedes persistence does. */
    async putWill(client: ClientRef, packet: WillRef): Promise<void> {
      packet.brokerId = broker.id
      packet.clientId = client.id
      const message = { ...toMessage(packet), extra: extraOf(packet) }
      await wills.put({ clientId: client.id, brokerId: broker.id, message })
    },

    async getWill(client: ClientRef) {
      const will = wills.get(client.id)
      return will && toWill(will)
    },

    async delWill(client: ClientRef) {
      const will = wills.take(client.id)
      return will && toWill(will)
    },

    /** Wills of brokers that are not alive: what a crash left to be published. */
    streamWill(alive: Readonly<Record<string, unknown>> = {}): Readable {
      return Readable.from([...wills.all()].filter(({ brokerId }) => alive[brokerId] === undefined).map(toWill))
    },

    forget(principal: string, filters: readonly string[]): void {
      const isTheirs = ({ clientId }: { readonly clientId: string }) => clientId.startsWith(`${principal}/`)
      for (const { clientId } of [...table.all()].filter(isTheirs)) table.end(clientId)
      for (const { clientId } of [...wills.all()].filter(isTheirs)) wills.take(clientId)
      for (const filter of filters) retained.remove(filter)
    },

    sessionOf: (clientId: string, clean: boolean) => table.sessionOf(clientId, clean),

    get fanoutPosition() {
      return fanout.fanoutPosition
    },
    commitFanout: (position: number) => fanout.commitFanout(position),
  }
  return persistence satisfies BrokerPersistence & SessionRegistry & FanoutLedger
}

function* map<From, To>(items: Iterable<From>, change: (item: From) => To): Generator<To> {
  for (const item of items) yield change(item)
}

/** Reads lazily, while the client takes it; ends quietly when the store is closed under it. */
function* whileOpen<Key, Item>(keys: readonly Key[], read: (key: Key) => Iterable<Item>): Generator<Item> {
  try {
    for (const key of keys) yield* read(key)
  } catch (error) {
    if (!isAppError(error, 'closed')) throw error
  }
}
