import type { Client } from 'aedes'
import type { Admit } from './admit.ts'
import { Connection } from './connection.ts'
import type { CloseReason } from './connection-peers.ts'
import type { Presence } from './presence.ts'

/** Who is connected, and what the log is told about it. */
export interface Roster {
  readonly size: number
  /** Since the start of the process. */
  readonly total: number
  add(connection: Connection): void
  remove(connection: Connection): void
  /** Credentials were right; Aedes is about to end an older connection of the same client [MQTT-3.1.4-2]. */
  willRegister(client: Client): void
  registered(client: Client): void
  unregistered(client: Client): void
  /** Nothing more is read from anybody; what was read is still acknowledged. */
  quiesce(): void
  /** Ends those of a principal, or all. Returns how many. */
  close(reason: CloseReason, principal?: string): number
  checkSilence(elapsedMs: number, connectTimeoutMs: number): void
  checkTaking(elapsedMs: number, patienceMs: number): void
  /** Ends those whose credentials are good for nothing any more; `nowMs` is epoch time. */
  checkExpiry(nowMs: number): void
}

export function connectionOf(client: Client): Connection | undefined {
  return client.conn instanceof Connection ? client.conn : undefined
}

export function createRoster(admit: Pick<Admit, 'admitted'>, presence: Presence): Roster {
  const connections = new Set<Connection>()
  const byClientId = new Map<string, Connection>()
  let total = 0

  return {
    get size() {
      return connections.size
    },
    get total() {
      return total
    },
    add(connection) {
      connections.add(connection)
      total++
    },
    remove: (connection) => void connections.delete(connection),
    willRegister: (client) => byClientId.get(client.id)?.willClose('taken over'),
    registered(client) {
      const connection = connectionOf(client)
      const who = admit.admitted(client)
      if (connection === undefined || who === undefined) return
      byClientId.set(client.id, connection)
      presence.connected(who.origin, who.session)
    },
    unregistered(client) {
      const connection = connectionOf(client)
      const who = admit.admitted(client)
      if (connection === undefined || who === undefined) return
      if (byClientId.get(client.id) === connection) byClientId.delete(client.id)
      presence.disconnected(who.origin, who.session, connection.reason)
    },
    quiesce() {
      for (const connection of connections) connection.quiesce()
    },
    close(reason, principal) {
      const theirs = [...connections].filter((each) => principal === undefined || each.principal === principal)
      for (const connection of theirs) connection.close(reason)
      return theirs.length
    },
    checkSilence(elapsedMs, connectTimeoutMs) {
      for (const connection of connections) connection.checkSilence(elapsedMs, connectTimeoutMs)
    },
    checkTaking(elapsedMs, patienceMs) {
      for (const connection of connections) connection.checkTaking(elapsedMs, patienceMs)
    },
    checkExpiry(nowMs) {
      for (const connection of connections) if (nowMs >= connection.expiresMs) connection.close('credentials expired')
    },
  }
}
