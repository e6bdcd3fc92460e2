import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Logger } from 'pino'
import { AppError } from '../model/index.ts'
import { answerClientErrors, unreadableAddress } from './client-error.ts'
import type { ApiConfig } from './config.ts'

export interface HttpServer {
  /** Resolves when it listens; rejects when the address is taken or is not ours. */
  start(): Promise<void>
  /** Takes no more connections, lets running requests finish, and cuts what is left after `stopTimeoutMs`. */
  stop(): Promise<void>
  /** The port it listens on; undefined while it does not. */
  port(): number | undefined
}

/** How often a stopping server looks for connections that have become idle. */
const drainCheckMs = 20

export interface HttpServerDeps {
  readonly fetch: Parameters<typeof getRequestListener>[0]
  /** Told the status with which bytes were answered that made no request. */
  onUnreadable(status: number): void
  readonly logger: Logger
}

export function createHttpServer(config: ApiConfig, { fetch, onUnreadable, logger }: HttpServerDeps): HttpServer {
  const listener = getRequestListener(fetch, {
    overrideGlobalObjects: false,
    errorHandler: unreadableAddress(onUnreadable),
  })
  const server = createServer(
    {
      headersTimeout: config.headersTimeoutMs,
      requestTimeout: config.requestTimeoutMs,
      keepAliveTimeout: config.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(config.headersTimeoutMs, 1_000),
      // Node's own answer to a missing Host has no body: it becomes an address that is none.
      requireHostHeader: false,
      // Two Hosts, two Authorizations are not the first of them: they are nothing that can be used.
      joinDuplicateHeaders: true,
    },
    listener,
  )
  // The app counts them and refuses too many; Node would leave out what is beyond, and say nothing.
  server.maxHeadersCount = 0
  // RFC 9110, section 10.1.1: an expectation that nobody knows may be ignored.
  server.on('checkExpectation', listener)
  answerClientErrors(server, onUnreadable)
  server.maxConnections = config.maxConnections
  // A client that asks for much and reads nothing would keep its answer in memory; the second more lets a 503 go first.
  server.timeout = Math.max(config.requestTimeoutMs, config.answerTimeoutMs) + 1_000
  let starting: Promise<void> | undefined
  let stopping: Promise<void> | undefined

  async function listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) =>
        reject(new AppError('invalid_input', `listen on ${config.host}:${config.port} for HTTP failed`, { cause })),
      )
      server.listen(config.port, config.host, resolve)
    })
    server.removeAllListeners('error')
    server.on('error', (err) => logger.error({ err }, 'http server failed'))
  }

  async function drain(): Promise<void> {
    await starting?.catch(() => undefined)
    if (!server.listening) return
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    const check = setInterval(() => server.closeIdleConnections(), drainCheckMs)
    const cut = setTimeout(() => {
      logger.warn({ stopTimeoutMs: config.stopTimeoutMs }, 'http requests cut at stop')
      server.closeAllConnections()
    }, config.stopTimeoutMs)
    await closed
    clearInterval(check)
    clearTimeout(cut)
  }

  return {
    start: () => (starting ??= listen()),
    stop: () => (stopping ??= drain()),
    port() {
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : undefined
    },
  }
}
