import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Logger } from 'pino'
import { AppError } from '../model/index.ts'
import { answerClientErrors } from './client-error.ts'
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

export function createHttpServer(
  config: ApiConfig,
  fetch: Parameters<typeof getRequestListener>[0],
  logger: Logger,
): HttpServer {
  const server = createServer(
    {
      headersTimeout: config.headersTimeoutMs,
      requestTimeout: config.requestTimeoutMs,
      keepAliveTimeout: config.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(config.headersTimeoutMs, 1_000),
    },
    getRequestListener(fetch, { overrideGlobalObjects: false }),
  )
  answerClientErrors(server)
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
