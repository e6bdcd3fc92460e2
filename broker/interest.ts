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
      for (const deliver of delivers) deliver(packet, delivered)
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
    wanted(entry) {
      if (entry.interestOf !== generation) lookUp(entry)
      return entry.wanted
    },
  }
}
