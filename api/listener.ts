import { createServer, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { getRequestListener } from '@hono/node-server'
import { tlsTerms } from '../model/index.ts'
import { answerClientErrors, unreadableAddress } from './client-error.ts'
import type { ApiConfig } from './config.ts'
import type { ConnectionLimit } from './connection-limit.ts'

/** A certificate with its chain, and its key, as PEM. */
export interface TlsPair {
  readonly cert: string
  readonly key: string
}

/** What every listener does with a request. */
export interface ListenerDeps {
  readonly fetch: Parameters<typeof getRequestListener>[0]
  /** Told the status with which bytes were answered that made no request. */
  onUnreadable(status: number): void
  readonly limit: ConnectionLimit
}

const tlsHandshakeTimeoutMs = 10_000

export function createPlainListener(config: ApiConfig, deps: ListenerDeps): Server {
  const handler = requestHandler(deps)
  return guard(createServer(serverOptions(config), handler), config, { ...deps, handler })
}

export function createTlsListener(config: ApiConfig, deps: ListenerDeps, pair: TlsPair): TlsServer {
  const handler = requestHandler(deps)
  const options = { ...serverOptions(config), ...tlsOptions(pair), handshakeTimeout: tlsHandshakeTimeoutMs }
  return guard(createTlsServer(options, handler), config, { ...deps, handler })
}

/** For a new listener, and for one that gets another certificate. */
export function tlsOptions({ cert, key }: TlsPair): TlsPair & typeof tlsTerms {
  return { cert, key, ...tlsTerms }
}

function requestHandler({ fetch, onUnreadable }: ListenerDeps) {
  return getRequestListener(fetch, { errorHandler: unreadableAddress(onUnreadable) })
}

function serverOptions(config: ApiConfig): ServerOptions {
  return {
    headersTimeout: config.headersTimeoutMs,
    requestTimeout: config.requestTimeoutMs,
    keepAliveTimeout: config.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(config.headersTimeoutMs, 1_000),
    // Node's own answer to a missing Host has no body: it becomes an address that is none.
    requireHostHeader: false,
    // Two Hosts, two Authorizations are not the first of them: they are nothing that can be used.
    joinDuplicateHeaders: true,
  }
}

interface GuardDeps extends ListenerDeps {
  readonly handler: ReturnType<typeof getRequestListener>
}

function guard<AnyServer extends Server | TlsServer>(
  server: AnyServer,
  config: ApiConfig,
  { handler, limit, onUnreadable }: GuardDeps,
): AnyServer {
  // The app counts them and refuses too many; Node would leave out what is beyond, and say nothing.
  server.maxHeadersCount = 0
  // A client that asks for much and reads nothing would keep its answer in memory; the second more lets a 503 go first.
  server.timeout = Math.max(config.requestTimeoutMs, config.answerTimeoutMs) + 1_000
  // RFC 9110, section 10.1.1: an expectation that nobody knows may be ignored.
  server.on('checkExpectation', handler)
  answerClientErrors(server, onUnreadable)
  limit.watch(server)
  return server
}
