import type { AedesPublishPacket } from 'aedes'
import type { BrokerPersistence } from './ports.ts'
import { type Deliver, SubscriptionIndex } from './subscription-index.ts'
import type { TopicEntry } from './topic-table.ts'

/** The bus over which Aedes delivers (its `mq` option, the interface of mqemitter). */
export interface DeliveryBus {
  on(filter: string, deliver: Deliver, done?: () => void): void
  removeListener(filter: string, deliver: Deliver, done?: () => void): void
  emit(packet: AedesPublishPacket, done?: (error?: Error | null) => void): void
  close(done: () => void): void
}

export interface Interest {
  readonly bus: DeliveryBus
  /** With which QoS the delivery goes on that the bus is making in this step; not called: it does not go on. */
  passes(qos: number): void
  /**
   * Whether a message on the topic has, or may have, a subscriber, here or offline. Nearly every reading has none; it
   * then costs nothing beyond its place in the log. True also while the offline ones are being looked up; the entry's
   * own `wanted` says it when they have been.
   */
  wanted(entry: TopicEntry): boolean
}

export function createInterest(persistence: Pick<BrokerPersistence, 'subscriptionsByTopic'>): Interest {
  const index = new SubscriptionIndex()
  // Every subscribe and unsubscribe begins a new generation: what was found before is looked up again. A session that
  // goes offline unsubscribes here last, when the persistence has long known it, so "nobody" is never wrong.
  let generation = 0
  let passedQos = 0

  /**
   * A delivery of QoS 1 or 2 is done when the subscriber's socket has taken it, so that publishers and subscribers keep
   * step. With QoS 0 nothing is owed to who does not read: it is done once it is with the socket's waiting bytes, which
   * are bounded (forward.ts).
   */
  function handOver(deliver: Deliver, packet: AedesPublishPacket, done: () => void): void {
    let isOver = false
    const finish = () => {
      if (!isOver) done()
      isOver = true
    }
    passedQos = 0
    deliver(packet, finish)
    // Aedes asks at once whether it passes, and puts its delivery off by one such step, before this one.
    if (passedQos === 0) setImmediate(finish)
  }

  const bus: DeliveryBus = {
    on(filter, deliver, done) {
      index.add(filter, deliver)
      generation++
      if (done !== undefined) setImmediate(done)
    },
    removeListener(filter, deliver, done) {
      index.remove(filter, deliver)
      generation++
      if (done !== undefined) setImmediate(done)
    },
    emit(packet, done) {
      const delivers = index.match(packet.topic)
      let left = delivers.size
      if (left === 0) return done?.()
      const delivered = () => {
        if (--left === 0) done?.()
      }
      for (const deliver of delivers) handOver(deliver, packet, delivered)
    },
    close(done) {
      setImmediate(done)
    },
  }

  function lookUp(entry: TopicEntry): void {
    const asked = generation
    entry.interestOf = asked
    entry.wanted = true
    if (index.match(entry.topic).size > 0) return
    persistence.subscriptionsByTopic(entry.topic).then(
      (offline) => {
        if (entry.interestOf === asked) entry.wanted = offline.length > 0
      },
      // Unknown is wanted: the publication itself meets the same failure and reports it.
      () => {},
    )
  }

  return {
    bus,
    passes(qos) {
      passedQos = qos
    },
    wanted(entry) {
      if (entry.interestOf !== generation) lookUp(entry)
      return entry.wanted
    },
  }
}
