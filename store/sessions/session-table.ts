import { setImmediate } from 'node:timers/promises'
import { AppError } from '../../model/index.ts'
import type { SessionConfig } from './config.ts'
import { type KeySpace, numberKey, numberOf, textKey } from './keys.ts'
import { createNumberSource } from './number-source.ts'
import { decodeSession, encodeSession } from './records.ts'
import { entries, pageSize, pages } from './scan.ts'
import { Session } from './session.ts'
import type { SessionStore } from './session-store.ts'

const empty = Buffer.alloc(0)
const spacesOfASession: readonly KeySpace[] = ['b', 'u', 'q', 'f', 'i']

export interface SessionTable {
  /** Reads what is stored. */
  open(): void
  /** The stored session of a client. */
  of(clientId: string): Session | undefined
  withNumber(number: number): Session | undefined
  all(): Iterable<Session>
  /** Which session a connection continues or begins; see the broker's `SessionRegistry`. */
  sessionOf(clientId: string, clean: boolean): Promise<{ readonly number: number; readonly present: boolean }>
  /** Ends the client's stored session and everything in it. */
  end(clientId: string): void
  /** To be called each hour: a session whose client was away `expiryHours` in a row ends. */
  passHour(isConnected: (clientId: string) => boolean): void
  /** Resolves when what ended sessions leave behind has been removed. */
  swept(): Promise<void>
  stats(): { readonly sessions: number; readonly refused: number; readonly expired: number }
  stop(): Promise<void>
}

export function createSessionTable(
  store: SessionStore,
  config: SessionConfig,
  onEnd: (session: Session) => void,
): SessionTable {
  const byClient = new Map<string, Session>()
  const byNumber = new Map<number, Session>()
  const numbers = createNumberSource(store, textKey('m', 'numbers'), (number) => byNumber.has(number))
  let sweeping: Promise<void> = Promise.resolve()
  let stopped = false
  let refused = 0
  let expired = 0

  function hold(session: Session): void {
    byClient.set(session.clientId, session)
    byNumber.set(session.number, session)
  }

  function writeSession(session: Session): void {
    store.write([{ key: textKey('s', session.clientId), value: encodeSession(session) }])
  }

  function end(clientId: string): void {
    const session = byClient.get(clientId)
    if (session === undefined) return
    byClient.delete(clientId)
    byNumber.delete(session.number)
    onEnd(session)
    store.write([
      { key: textKey('s', clientId), value: undefined },
      { key: numberKey('x', session.number), value: empty },
    ])
    sweep(session.number)
  }

  /** One after the other and a page at a time: ending 10,000 sessions must not hold up the living. */
  function sweep(number: number): void {
    sweeping = sweeping.then(async () => {
      await setImmediate()
      for (const space of spacesOfASession) {
        for (const page of pages(store, space, number)) {
          if (stopped) return
          store.write(page.map(({ key }) => ({ key, value: undefined })))
          // A disk that takes nothing is the writers' business; the mark brings the sweep back after a restart.
          if (page.length === pageSize) await store.flushed().catch(() => {})
        }
      }
      if (!stopped) store.write([{ key: numberKey('x', number), value: undefined }])
    })
  }

  return {
    open() {
      numbers.open()
      for (const { value } of entries(store, 's')) {
        const record = decodeSession(value)
        const session = new Session(record.clientId, record.number)
        session.hoursOffline = record.hoursOffline
        hold(session)
      }
      for (const { key } of entries(store, 'x')) sweep(numberOf(key))
    },

    of: (clientId) => byClient.get(clientId),
    withNumber: (number) => byNumber.get(number),
    all: () => byClient.values(),

    async sessionOf(clientId, clean) {
      if (clean) {
        end(clientId)
        return { number: await numbers.take(), present: false }
      }
      const stored = byClient.get(clientId)
      if (stored !== undefined) {
        if (stored.hoursOffline > 0) {
          stored.hoursOffline = 0
          writeSession(stored)
        }
        return { number: stored.number, present: true }
      }
      if (byClient.size >= config.maxSessions) {
        refused++
        throw new AppError('store_unavailable', `begin session of ${clientId} failed: ${byClient.size} are kept`, {
          retryable: true,
        })
      }
      const number = await numbers.take()
      // Another connection of the same client may have begun it meanwhile.
      const begun = byClient.get(clientId) ?? new Session(clientId, number)
      if (begun.number === number) {
        hold(begun)
        writeSession(begun)
      }
      await store.flushed()
      return { number: begun.number, present: false }
    },

    end,

    passHour(isConnected) {
      for (const session of [...byClient.values()]) {
        const away = isConnected(session.clientId) ? 0 : session.hoursOffline + 1
        if (away >= config.expiryHours) {
          expired++
          end(session.clientId)
        } else if (away !== session.hoursOffline) {
          session.hoursOffline = away
          writeSession(session)
        }
      }
    },

    async swept() {
      await sweeping
    },

    stats: () => ({ sessions: byClient.size, refused, expired }),

    async stop() {
      stopped = true
      await sweeping
    },
  }
}
