import type { Client, ConnectPacket } from 'aedes'
import type { Logger } from 'pino'
import {
  type ClientCertificate,
  type Clock,
  encodeOrigin,
  idPattern,
  isDeviceId,
  resolveTopic,
  type TopicRules,
} from '../model/index.ts'
import type { LogAppender } from '../store/log/index.ts'
import type { Accept } from './accept.ts'
import { mayPublish, principalOf } from './acl.ts'
import type { BrokerConfig } from './config.ts'
import { Connection } from './connection.ts'
import type { Admitted, Peer } from './connection-peers.ts'
import type { FailedLogins } from './failed-logins.ts'
import type { LoginThrottle } from './login-throttle.ts'
import type { BrokerAccess, MqttIdentity, SessionRegistry } from './ports.ts'
import type { Refusals } from './refusals.ts'
import type { Roster } from './roster.ts'

export interface AdmitDeps {
  readonly config: BrokerConfig
  readonly access: BrokerAccess
  readonly sessions: SessionRegistry
  readonly appender: LogAppender
  readonly topics: TopicRules
  readonly refusals: Refusals
  readonly accept: Accept
  readonly logins: Pick<FailedLogins, 'note'>
  readonly throttle: Pick<LoginThrottle, 'mayTry' | 'failed'>
  readonly logger: Logger
  readonly clock: Clock
  readonly roster: Pick<Roster, 'admitted' | 'admit' | 'countBeside'>
}

/** Return codes of CONNACK (MQTT 3.1.1, table 3.1); Aedes sends the one that the error of `authenticate` carries. */
const returnCode = { serverUnavailable: 3, badCredentials: 4, notAuthorized: 5 } as const
type ReturnCode = (typeof returnCode)[keyof typeof returnCode]

class ConnectRefused extends Error {
  readonly returnCode: ReturnCode

  constructor(code: ReturnCode, message: string) {
    super(message)
    this.returnCode = code
  }
}

export interface Admit {
  /** Aedes' `preConnect`: before anything of the CONNECT is believed. */
  prepare(client: Client, packet: ConnectPacket): void
  /** Aedes' `authenticate`: resolves when the connection may go on, else rejects with the CONNACK's code. */
  authenticate(client: Client, username: string | undefined, password: Buffer | undefined): Promise<void>
}

/** What the CONNECT said, until its credentials are checked. */
interface Request {
  readonly clientId: string
  readonly will: ConnectPacket['will']
}

/** Under which a client that names no device or key waits for its refusal. */
const nobody = '-'
const principalPattern = new RegExp(`^(key:)?${idPattern.source.slice(1)}`)

/** What state calls keys is shorter than any token. */
const keyNamePattern = /^key:[a-z0-9]{1,16}$/

/** Of who shows a certificate and no user name. */
function nameOf({ certificate }: Peer): string | undefined {
  return certificate?.commonName
}

export function createAdmit(deps: AdmitDeps): Admit {
  const { config, access, sessions, appender, topics, refusals, accept, logins, throttle, clock, roster } = deps
  const requests = new WeakMap<Client, Request>()
  let unnamed = 0

  function prepare(client: Client, packet: ConnectPacket): void {
    const named = packet.username ?? (client.conn instanceof Connection ? nameOf(client.conn.peer) : undefined)
    const principal = principalPattern.test(named ?? '') ? named : nobody
    // [MQTT-3.1.3-6]: a client without a name gets one of its own; it is always a clean session [MQTT-3.1.3-7].
    const clientId = packet.clientId === '' ? `~${++unnamed}` : packet.clientId
    requests.set(client, { clientId, will: packet.will })
    // Client identifiers belong to their principal: nobody takes over somebody else's session.
    packet.clientId = `${principal}/${clientId}`
    // PUBLISH does not pass through Aedes, so only the connection knows when it last heard from its client.
    if (client.conn instanceof Connection) {
      client.conn.keepAliveMs = (packet.keepalive ?? 0) * 1000
      client.conn.claimedPrincipal = named
    }
    packet.keepalive = 0
  }

  async function identify(
    username: string | undefined,
    password: Buffer | undefined,
    { certificate }: Peer,
  ): Promise<MqttIdentity> {
    if (roster.admitted >= config.maxConnections || appender.waitingBytes > config.waitingBytes)
      throw new ConnectRefused(returnCode.serverUnavailable, 'no room for another connection')
    const identity = await shown(username, password, certificate).catch((error: unknown) => {
      if (error instanceof ConnectRefused) throw error
      deps.logger.error({ err: error }, 'checking credentials failed')
      throw new ConnectRefused(returnCode.serverUnavailable, 'credentials cannot be checked')
    })
    if (identity === undefined || principalOf(identity) !== (username ?? certificate?.commonName))
      throw new ConnectRefused(returnCode.badCredentials, 'wrong user name, password or certificate')
    return identity
  }

  /** A password counts where there is one, whatever certificate comes with it. */
  async function shown(
    username: string | undefined,
    password: Buffer | undefined,
    certificate: ClientCertificate | undefined,
  ): Promise<MqttIdentity | undefined> {
    if (password !== undefined && username !== undefined)
      return access.identify({ username, password: password.toString('utf8') })
    if (certificate !== undefined) return access.identifyCertificate({ ...certificate, username })
    throw new ConnectRefused(returnCode.badCredentials, 'user name or password is missing')
  }

  /** Tokens end up in the wrong field: a user name is told only when there is a device of it, or it names a key. */
  function nameable(username: string | undefined): string | undefined {
    if (username === undefined) return undefined
    const isDevice = isDeviceId(username) && access.siteOf(username) !== undefined
    return isDevice || keyNamePattern.test(username) ? username : undefined
  }

  /** Its credentials are right, so it is told; what it tries is listed. */
  function refuseQuarantined(identity: MqttIdentity, origin: Uint8Array, { address }: Peer): void {
    if (identity.kind !== 'device' || !access.isQuarantined(identity.deviceId)) return
    const payload = Buffer.from(address ?? 'an unknown address')
    const principal = principalOf(identity)
    refusals.record({ reason: 'quarantined', principal, origin, session: 0, topic: Buffer.alloc(0), payload })
    throw new ConnectRefused(returnCode.notAuthorized, 'the device is in quarantine')
  }

  /** A will is a PUBLISH in advance: who may not publish it is told now. */
  function checkWill(identity: MqttIdentity, will: Request['will'], origin: Uint8Array): void {
    if (will === undefined) return
    const payload = Buffer.from(will.payload)
    const limits = identity.kind === 'device' ? identity.limits : {}
    const isTooLarge = payload.length > (limits.payloadBytes ?? config.payloadBytes)
    if (!isTooLarge && mayPublish(access, identity, resolveTopic(will.topic, topics)?.deviceId)) return
    const reason = isTooLarge ? 'payload_too_large' : 'forbidden_topic'
    const principal = principalOf(identity)
    refusals.record({ reason, principal, origin, session: 0, topic: Buffer.from(will.topic), payload })
    throw new ConnectRefused(returnCode.notAuthorized, 'the will may not be published')
  }

  async function authenticate(
    client: Client,
    username: string | undefined,
    password: Buffer | undefined,
  ): Promise<void> {
    const { conn } = client
    const request = requests.get(client)
    requests.delete(client)
    if (request === undefined || !(conn instanceof Connection)) throw new Error('a client without a CONNECT')
    const { address } = conn.peer
    const login = { name: username ?? nameOf(conn.peer) ?? '', address }
    if (!throttle.mayTry(login)) throw new ConnectRefused(returnCode.serverUnavailable, 'too many wrong passwords')
    const identity = await identify(username, password, conn.peer).catch(async (error: unknown) => {
      if (error instanceof ConnectRefused && error.returnCode === returnCode.badCredentials) {
        logins.note({ principal: nameable(username), address })
        await throttle.failed(login)
      }
      throw error
    })
    // Nobody waits any more; what is begun from here on would not be ended.
    if (conn.destroyed) throw new Error('the client has gone')
    const principal = principalOf(identity)
    if (roster.countBeside(principal, client) >= config.connectionsPerPrincipal)
      throw new ConnectRefused(returnCode.serverUnavailable, 'it has too many connections already')
    const { clientId } = request
    const origin = encodeOrigin(principal, clientId)
    refuseQuarantined(identity, origin, conn.peer)
    checkWill(identity, request.will, origin)
    const protocol: Admitted['protocol'] = client.version === 3 ? '3.1' : '3.1.1'
    const who = { identity, principal, clientId, origin, sinceMs: clock.now(), protocol, cleanSession: client.clean }
    roster.admit(conn, who)
    conn.expiresMs = identity.expiresMs ?? Number.POSITIVE_INFINITY
    const session = await sessions.sessionOf(client.id, client.clean).catch((error: unknown) => {
      deps.logger.error({ err: error }, 'opening a session failed')
      throw new ConnectRefused(returnCode.serverUnavailable, 'the session cannot be kept')
    })
    const publisher = accept.publisher(conn, { identity, client, session: session.number, origin })
    conn.begin(publisher, session)
  }

  return { prepare, authenticate }
}
