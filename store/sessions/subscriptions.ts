import { AppError } from '../../model/index.ts'
import type { SessionConfig } from './config.ts'
import { FilterTrie } from './filter-trie.ts'
import { filterKey, numberOf } from './keys.ts'
import { decodeSubscription, encodeSubscription, type Subscription } from './records.ts'
import { entries } from './scan.ts'
import type { Session } from './session.ts'
import type { SessionChange, SessionStore } from './session-store.ts'
import type { SessionTable } from './session-table.ts'

/** The subscriptions of persistent sessions. Those of QoS 1 and 2 are matched: QoS 0 queues nothing. */
export interface Subscriptions {
  open(): void
  /**
   * On disk when it resolves: SUBACK promises them. A filter that is there already gets the new QoS. Rejects with
   * `too_large` when the session would have more than it may; nothing is added then.
   */
  add(clientId: string, subscriptions: readonly Subscription[]): Promise<void>
  /** On disk when it resolves. */
  remove(clientId: string, filters: readonly string[]): Promise<void>
  of(clientId: string): readonly Subscription[]
  /** No subscription would match whatever the topic. */
  readonly isEmpty: boolean
  match(topic: string, visit: (session: Session, subscription: Subscription) => void): void
  /** Forgets, in memory, what an ended session had. */
  forget(session: Session): void
  /** Clients with exactly this filter. */
  holders(filter: string): Iterable<string>
  /** Subscriptions of QoS 1 and 2, and clients with any. */
  count(): { readonly subscriptions: number; readonly clients: number }
}

export function createSubscriptions(store: SessionStore, config: SessionConfig, sessions: SessionTable): Subscriptions {
  const trie = new FilterTrie<Session, Subscription>()

  function hold(session: Session, subscription: Subscription): void {
    const { filter, qos } = subscription
    if (qos > 0) trie.add(filter, session, subscription)
    else if ((session.subscriptions.get(filter)?.qos ?? 0) > 0) trie.remove(filter, session)
    session.subscriptions.set(filter, subscription)
  }

  function drop(session: Session, filter: string): void {
    if ((session.subscriptions.get(filter)?.qos ?? 0) > 0) trie.remove(filter, session)
    session.subscriptions.delete(filter)
  }

  return {
    open() {
      for (const { key, value } of entries(store, 'b')) {
        const session = sessions.withNumber(numberOf(key))
        if (session !== undefined) hold(session, decodeSubscription(value))
      }
    },

    async add(clientId, subscriptions) {
      const session = sessions.of(clientId)
      if (session === undefined) return
      const fresh = new Set(subscriptions.map(({ filter }) => filter).filter((f) => !session.subscriptions.has(f)))
      if (session.subscriptions.size + fresh.size > config.maxSubscriptions)
        throw new AppError('too_large', `add ${fresh.size} subscriptions of ${clientId} failed: too many`)
      const changes: SessionChange[] = []
      for (const subscription of subscriptions) {
        hold(session, subscription)
        const key = filterKey(session.number, subscription.filter)
        changes.push({ key, value: encodeSubscription(subscription) })
      }
      store.write(changes)
      await store.flushed()
    },

    async remove(clientId, filters) {
      const session = sessions.of(clientId)
      if (session === undefined) return
      const known = filters.filter((filter) => session.subscriptions.has(filter))
      if (known.length === 0) return
      for (const filter of known) drop(session, filter)
      store.write(known.map((filter) => ({ key: filterKey(session.number, filter), value: undefined })))
      await store.flushed()
    },

    of: (clientId) => [...(sessions.of(clientId)?.subscriptions.values() ?? [])],
    get isEmpty() {
      return trie.size === 0
    },
    match: (topic, visit) => trie.match(topic, visit),

    forget(session) {
      for (const filter of [...session.subscriptions.keys()]) drop(session, filter)
    },

    *holders(filter) {
      for (const session of sessions.all()) if (session.subscriptions.has(filter)) yield session.clientId
    },

    count() {
      let clients = 0
      for (const session of sessions.all()) if (session.subscriptions.size > 0) clients++
      return { subscriptions: trie.size, clients }
    },
  }
}
