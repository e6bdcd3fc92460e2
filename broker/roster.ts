import type { Client } from 'aedes'
import type { CredentialEnds } from '../model/index.ts'
import { Connection } from './connection.ts'
import type { Admitted, CloseReason } from './connection-peers.ts'
import type { ConnectionView } from './ports.ts'
import type { Presence } from './presence.ts'

/** Who is connected, and what the log is told about it. */
export interface Roster {
  /** Connections, admitted or not. */
  readonly size: number
  /** Since the start of the process. */
  readonly total: number
  /** Connections whose credentials were right. */
  readonly admitted: number
  add(connection: Connection): void
  remove(connection: Connection): void
  /** Its credentials were right. */
  admit(connection: Connection, who: Admitted): void
  /** Connections of the principal beside that of this client, whose place a new one would take. */
  countBeside(principal: string, client: Client): number
  /** Aedes is about to end an older connection of the same client [MQTT-3.1.4-2]. */
  willRegister(client: Client): void
  registered(client: Client): void
  unregistered(client: Client): void
  /** Nothing more is read from anybody; what was read is still acknowledged. */
  quiesce(): void
  /** Ends all. */
  closeAll(reason: CloseReason): void
  /** Ends those of a principal, whoever calls itself so included; or of them the one. Returns how many. */
  close(reason: CloseReason, principal: string, connectionId?: number): number
  /** Secrets end at `nowMs` or later, and with them the connections that were opened by them. */
  endSecrets(ends: CredentialEnds, nowMs: number): void
  /** Those of a principal, the oldest first. */
  of(principal: string): readonly ConnectionView[]
  checkSilence(elapsedMs: number, connectTimeoutMs: number): void
  checkTaking(elapsedMs: number, patienceMs: number): void
  /** Ends those whose credentials are good for nothing any more; `nowMs` is epoch time. */
  checkExpiry(nowMs: number): void
}

export function connectionOf(client: Client): Connection | undefined {
  return client.conn instanceof Connection ? client.conn : undefined
}

const nobody: ReadonlySet<Connection> = new Set()

/** A stranger that has not sent its CONNECT for so long makes room for another. */
const strangerPatienceMs = 5_000

export function createRoster(presence: Presence, maxConnections: number, monotonicMs: () => number): Roster {
  const connections = new Set<Connection>()
  /** Not admitted yet, the oldest first, and when they came. */
  const strangers = new Map<Connection, number>()
  const strangersMax = Math.max(100, Math.ceil(maxConnections / 10))
  const byPrincipal = new Map<string, Set<Connection>>()
  const byClientId = new Map<string, Connection>()
  let total = 0

  function ofPrincipal(principal: string): ReadonlySet<Connection> {
    return byPrincipal.get(principal) ?? nobody
  }

  /** Perhaps their credentials have just been found right, by what was true a moment ago. */
  function strangersNamed(principal: string): readonly Connection[] {
    return [...strangers.keys()].filter((connection) => connection.claimedPrincipal === principal)
  }

  /** Who opens connections and says nothing, or half of it, must not keep others out until the time for a CONNECT is over. */
  function makeRoom(): void {
    if (strangers.size <= strangersMax) return
    const [oldest] = strangers
    if (oldest !== undefined && monotonicMs() - oldest[1] >= strangerPatienceMs) oldest[0].close('connect timeout')
  }

  return {
    get size() {
      return connections.size
    },
    get total() {
      return total
    },
    get admitted() {
      return connections.size - strangers.size
    },
    add(connection) {
      connections.add(connection)
      strangers.set(connection, monotonicMs())
      total++
      makeRoom()
    },
    remove(connection) {
      connections.delete(connection)
      strangers.delete(connection)
      const { who } = connection
      if (who === undefined) return
      const theirs = byPrincipal.get(who.principal)
      theirs?.delete(connection)
      if (theirs?.size === 0) byPrincipal.delete(who.principal)
    },
    admit(connection, who) {
      connection.who = who
      if (!strangers.delete(connection)) return
      const theirs = byPrincipal.get(who.principal)
      if (theirs === undefined) byPrincipal.set(who.principal, new Set([connection]))
      else theirs.add(connection)
    },
    countBeside(principal, client) {
      const own = byClientId.has(client.id) ? 1 : 0
      return ofPrincipal(principal).size - own
    },
    willRegister: (client) => byClientId.get(client.id)?.willClose('taken over'),
    registered(client) {
      const connection = connectionOf(client)
      if (connection?.who === undefined) return
      byClientId.set(client.id, connection)
      presence.connected(connection.who.origin, connection.session)
    },
    unregistered(client) {
      const connection = connectionOf(client)
      if (connection?.who === undefined) return
      if (byClientId.get(client.id) === connection) byClientId.delete(client.id)
      presence.disconnected(connection.who.origin, connection.session, connection.reason)
    },
    quiesce() {
      for (const connection of connections) connection.quiesce()
    },
    closeAll(reason) {
      for (const connection of [...connections]) connection.close(reason)
    },
    close(reason, principal, connectionId) {
      const all = [...ofPrincipal(principal), ...strangersNamed(principal)]
      const chosen = connectionId === undefined ? all : all.filter(({ id }) => id === connectionId)
      for (const connection of chosen) connection.close(reason)
      return chosen.length
    },
    endSecrets({ principal, ends }, nowMs) {
      for (const connection of [...ofPrincipal(principal)]) {
        const end = ends.find(({ secretId }) => secretId === connection.who?.identity.secretId)
        if (end === undefined) continue
        connection.expiresMs = Math.min(connection.expiresMs, end.endsMs)
        if (end.endsMs <= nowMs) connection.close('credentials revoked')
      }
      for (const connection of strangersNamed(principal)) connection.close('credentials revoked')
    },
    of: (principal) => [...ofPrincipal(principal)].flatMap((connection) => viewOf(connection) ?? []),
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

function viewOf({ id, peer, who, keepAliveMs }: Connection): ConnectionView | undefined {
  if (who === undefined) return undefined
  const { clientId, sinceMs, protocol, cleanSession, identity } = who
  const { address, transport } = peer
  const { secretId } = identity
  return { id, clientId, address, sinceMs, transport, protocol, cleanSession, keepAliveS: keepAliveMs / 1000, secretId }
}
