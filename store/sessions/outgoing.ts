import { isAppError } from '../../model/index.ts'
import type { SessionConfig } from './config.ts'
import { next, numberKey, numberOf, sequenceKey, sequenceOf, spaceRange, textKey } from './keys.ts'
import {
  decodeFlight,
  decodeMessage,
  decodeNumber,
  decodeUsage,
  encodeFlight,
  encodeMessage,
  encodeNumber,
  encodeUsage,
  type StoredMessage,
} from './records.ts'
import { entries } from './scan.ts'
import type { Flight, FlightTable, Session } from './session.ts'
import type { SessionChange, SessionStore } from './session-store.ts'
import type { SessionTable } from './session-table.ts'

/** A message that waits for its client or for the client's acknowledgement. */
export type Outgoing =
  | { readonly kind: 'publish'; readonly sequence: number; readonly message: StoredMessage; readonly packetId?: number }
  | { readonly kind: 'release'; readonly sequence: number; readonly packetId: number }

/** How a message is sent: for the first time, again on another connection, or not from the queue at all. */
export type SendKind = 'first' | 'again' | 'unknown'

/**
 * The queues of persistent sessions: QoS 1 and 2 messages until they are acknowledged. On disk only; what is held in
 * memory is how many, and which are in flight.
 */
export interface OutgoingQueues {
  open(): void
  /** Above every sequence so far: a caller that counts its messages from 1 adds this. */
  nextBase(): number
  /**
   * Queues one message for the sessions; sequences of a session grow. Where a session has no room the newest is refused
   * and counted: MQTT lets a server drop what is queued only together with the session, and ending sessions would lose
   * more. Resolves at once while the disk keeps up; a publisher that is faster than the disk waits here. It need not be
   * on disk: until it is, the fan-out position stays behind it and the log has it.
   */
  enqueue(clientIds: readonly string[], sequence: number, message: StoredMessage): Promise<void>
  /**
   * Notes that the message goes out under this packet identifier. For QoS 2 it is on disk when it resolves: sent again
   * after a crash under another identifier it would arrive twice [MQTT-4.3.3-1].
   */
  sending(clientId: string, sequence: number, packetId: number, connection: number): Promise<SendKind>
  /** PUBREC has come; on disk when it resolves, before PUBREL goes out. False: no such message. */
  releasing(clientId: string, packetId: number): Promise<boolean>
  /** PUBACK or PUBCOMP has come; resolves with what it was for. */
  complete(clientId: string, packetId: number): Outgoing | undefined
  /** Takes the message out unless it is in flight: nobody is to receive it after all. */
  withdraw(clientId: string, sequence: number): void
  /** What the session's client is owed, oldest first: releases, then messages queued until this call. */
  owed(clientId: string): Iterable<Outgoing>
  forget(session: Session): void
  stats(): { readonly messages: number; readonly bytes: number; readonly refused: number }
}

/** Sequences reserved at once; what is left of them is skipped at the next start. */
const sequenceBlock = 2 ** 24
/** A publisher waits for the disk each time so much has been queued. */
const paceBytes = 1024 * 1024
const readAtOnce = 16
/** What an entry costs on disk beside the message. */
const entryBytes = 40

const sequencesKey = textKey('m', 'sequences')

export function createOutgoingQueues(
  store: SessionStore,
  config: SessionConfig,
  sessions: SessionTable,
): OutgoingQueues {
  let reservedSequence = 0
  let lastSequence = 0
  let messages = 0
  let bytes = 0
  let refused = 0
  let unpacedBytes = 0
  let pacing: Promise<void> | undefined

  function account(session: Session, count: number, size: number): SessionChange {
    session.queuedCount += count
    session.queuedBytes += size
    messages += count
    bytes += size
    const usage = { count: session.queuedCount, bytes: session.queuedBytes }
    return { key: numberKey('u', session.number), value: encodeUsage(usage) }
  }

  function hasRoom(session: Session, size: number): boolean {
    return (
      session.queuedCount < config.maxQueuedMessages &&
      session.queuedBytes + size <= config.maxQueuedBytes &&
      bytes + size <= config.maxTotalQueuedBytes
    )
  }

  function reserve(sequence: number, changes: SessionChange[]): void {
    if (sequence > lastSequence) lastSequence = sequence
    if (sequence < reservedSequence) return
    reservedSequence = sequence + sequenceBlock
    changes.push({ key: sequencesKey, value: encodeNumber(reservedSequence) })
  }

  function pace(): Promise<void> {
    pacing ??= untilFlushed(store).finally(() => {
      pacing = undefined
      unpacedBytes = 0
    })
    return pacing
  }

  function flightsOf(session: Session): FlightTable {
    if (session.flights !== undefined) return session.flights
    const stored: Flight[] = []
    for (const { key, value } of entries(store, 'f', session.number))
      stored.push({ ...decodeFlight(value), sequence: sequenceOf(key), connection: 0 })
    return session.startFlights(stored)
  }

  /** The change that removes the message, if it is still there. */
  function takeOut(session: Session, sequence: number): { changes: SessionChange[]; message?: StoredMessage } {
    const key = sequenceKey('q', session.number, sequence)
    const value = store.get(key)
    if (value === undefined) return { changes: [] }
    const usage = account(session, -1, -(value.length + entryBytes))
    return { changes: [{ key, value: undefined }, usage], message: decodeMessage(value) }
  }

  return {
    open() {
      reservedSequence = decodeNumber(store.get(sequencesKey))
      lastSequence = reservedSequence
      for (const { key, value } of entries(store, 'u')) {
        const session = sessions.withNumber(numberOf(key))
        if (session === undefined) continue
        const usage = decodeUsage(value)
        session.queuedCount = usage.count
        session.queuedBytes = usage.bytes
        messages += usage.count
        bytes += usage.bytes
      }
    },

    nextBase: () => lastSequence,

    async enqueue(clientIds, sequence, message) {
      const value = encodeMessage(message)
      const size = value.length + entryBytes
      const changes: SessionChange[] = []
      for (const clientId of clientIds.length > 1 ? new Set(clientIds) : clientIds) {
        const session = sessions.of(clientId)
        if (session === undefined) continue
        if (!hasRoom(session, size)) {
          refused++
          continue
        }
        changes.push({ key: sequenceKey('q', session.number, sequence), value }, account(session, 1, size))
        unpacedBytes += size
      }
      if (changes.length === 0) return
      reserve(sequence, changes)
      store.write(changes)
      if (unpacedBytes >= paceBytes) await pace()
    },

    async sending(clientId, sequence, packetId, connection) {
      const session = sessions.of(clientId)
      if (session === undefined) return 'unknown'
      const flights = flightsOf(session)
      const flight = flights.at(sequence)
      if (flight?.packetId === packetId) {
        flights.put({ ...flight, connection })
        return flight.connection === connection ? 'first' : 'again'
      }
      const value = store.get(sequenceKey('q', session.number, sequence))
      if (value === undefined) return 'unknown'
      const sent: Flight = { sequence, packetId, stage: 'publish', connection }
      flights.put(sent)
      store.write([{ key: sequenceKey('f', session.number, sequence), value: encodeFlight(sent) }])
      if (decodeMessage(value).qos === 2) await store.flushed()
      return flight === undefined || flight.connection === connection ? 'first' : 'again'
    },

    async releasing(clientId, packetId) {
      const session = sessions.of(clientId)
      const flight = session && flightsOf(session).find(packetId)
      if (session === undefined || flight === undefined) return false
      if (flight.stage === 'publish') {
        const released: Flight = { ...flight, stage: 'release' }
        flightsOf(session).put(released)
        const { changes } = takeOut(session, flight.sequence)
        const key = sequenceKey('f', session.number, flight.sequence)
        store.write([...changes, { key, value: encodeFlight(released) }])
      }
      await store.flushed()
      return true
    },

    complete(clientId, packetId) {
      const session = sessions.of(clientId)
      const flight = session && flightsOf(session).find(packetId)
      if (session === undefined || flight === undefined) return undefined
      const { sequence } = flight
      flightsOf(session).delete(flight)
      const { changes, message } = takeOut(session, sequence)
      store.write([...changes, { key: sequenceKey('f', session.number, sequence), value: undefined }])
      return message === undefined
        ? { kind: 'release', sequence, packetId }
        : { kind: 'publish', sequence, message, packetId }
    },

    withdraw(clientId, sequence) {
      const session = sessions.of(clientId)
      if (session === undefined || flightsOf(session).at(sequence) !== undefined) return
      const { changes } = takeOut(session, sequence)
      if (changes.length > 0) store.write(changes)
    },

    *owed(clientId) {
      const session = sessions.of(clientId)
      if (session === undefined) return
      const until = sequenceKey('q', session.number, lastSequence + 1)
      const flights = flightsOf(session)
      const releases = [...flights.values()].filter(({ stage }) => stage === 'release')
      for (const { sequence, packetId } of releases) yield { kind: 'release', sequence, packetId }
      let [from] = spaceRange('q', session.number)
      for (;;) {
        const page = store.range(from, until, readAtOnce)
        for (const { key, value } of page) {
          const sequence = sequenceOf(key)
          const message = decodeMessage(value)
          const flight = flights.at(sequence)
          yield flight === undefined
            ? { kind: 'publish', sequence, message }
            : { kind: 'publish', sequence, message, packetId: flight.packetId }
        }
        const last = page.at(-1)
        if (last === undefined || page.length < readAtOnce) return
        from = next(last.key)
      }
    },

    forget(session) {
      messages -= session.queuedCount
      bytes -= session.queuedBytes
    },

    stats: () => ({ messages, bytes, refused }),
  }
}

/** However often the disk refuses. */
async function untilFlushed(store: SessionStore): Promise<void> {
  for (;;) {
    try {
      await store.flushed()
      return
    } catch (error) {
      if (!isAppError(error, 'store_unavailable')) throw error
    }
  }
}
