import { AppError } from '../../model/index.ts'
import type { SessionConfig } from './config.ts'
import { createFanoutLedger, type FanoutLedger } from './fanout-ledger.ts'
import { createIncomingMessages, type IncomingMessages } from './incoming.ts'
import { textKey } from './keys.ts'
import { createOutgoingQueues, type OutgoingQueues } from './outgoing.ts'
import { decodeNumber, encodeNumber } from './records.ts'
import { createRetainedMessages, type RetainedMessages } from './retained.ts'
import type { SessionStore } from './session-store.ts'
import { createSessionTable, type SessionTable } from './session-table.ts'
import { createSubscriptions, type Subscriptions } from './subscriptions.ts'
import { createWills, type Wills } from './wills.ts'

export interface MqttSessionStats {
  readonly sessions: number
  readonly expired: number
  readonly subscriptions: number
  readonly queuedMessages: number
  readonly queuedBytes: number
  readonly retainedMessages: number
  readonly retainedBytes: number
  /** Since the start: sessions that did not begin, messages not queued, retained messages not kept. */
  readonly refused: { readonly sessions: number; readonly queued: number; readonly retained: number }
  readonly bytesOnDisk: number
}

/** All that outlives a connection: MQTT 3.1.1, 4.1, retained messages, and how far the log has been fanned out. */
export interface MqttSessions {
  readonly table: SessionTable
  readonly subscriptions: Subscriptions
  readonly outgoing: OutgoingQueues
  readonly incoming: IncomingMessages
  readonly retained: RetainedMessages
  readonly wills: Wills
  readonly fanout: FanoutLedger
  /** Opens the store and reads it. */
  open(): Promise<void>
  /** Who is connected, for those whose absence counts; until it is said, nobody's does. */
  watch(isConnected: (clientId: string) => boolean): void
  stats(): MqttSessionStats
  /** Flushes and closes the store. */
  close(): Promise<void>
}

/** Of the layout in keys.ts and records.ts. */
const format = 1
const formatKey = textKey('m', 'format')
const hourMs = 3_600_000

export function createMqttSessions(store: SessionStore, config: SessionConfig): MqttSessions {
  const table = createSessionTable(store, config, (session) => {
    subscriptions.forget(session)
    outgoing.forget(session)
  })
  const subscriptions = createSubscriptions(store, config, table)
  const outgoing = createOutgoingQueues(store, config, table)
  const incoming = createIncomingMessages(store, table)
  const retained = createRetainedMessages(store, config)
  const wills = createWills(store)
  const fanout = createFanoutLedger(store)
  let connected = (_clientId: string): boolean => true
  let hourly: NodeJS.Timeout | undefined

  function checkFormat(): void {
    const found = store.get(formatKey)
    if (found === undefined) store.write([{ key: formatKey, value: encodeNumber(format) }])
    else if (found.length !== 8 || decodeNumber(found) !== format)
      throw new AppError('store_failed', `read sessions failed: they are not of format ${format}`)
  }

  function read(): void {
    try {
      for (const part of [table, subscriptions, outgoing, retained, wills, fanout]) part.open()
    } catch (cause) {
      throw new AppError('store_failed', 'read sessions failed: a record is damaged', { cause })
    }
  }

  return {
    table,
    subscriptions,
    outgoing,
    incoming,
    retained,
    wills,
    fanout,

    async open() {
      await store.open()
      try {
        checkFormat()
        read()
      } catch (error) {
        await store.close()
        throw error
      }
      hourly ??= setInterval(() => table.passHour(connected), hourMs).unref()
    },

    watch(isConnected) {
      connected = isConnected
    },

    stats() {
      const { sessions, refused, expired } = table.stats()
      const queued = outgoing.stats()
      const kept = retained.stats()
      return {
        sessions,
        expired,
        subscriptions: subscriptions.count().subscriptions,
        queuedMessages: queued.messages,
        queuedBytes: queued.bytes,
        retainedMessages: kept.messages,
        retainedBytes: kept.bytes,
        refused: { sessions: refused, queued: queued.refused, retained: kept.refused },
        bytesOnDisk: store.stats().bytes,
      }
    },

    async close() {
      clearInterval(hourly)
      hourly = undefined
      await table.stop()
      await store.close()
    },
  }
}
