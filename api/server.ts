import type { Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Logger } from 'pino'
import { AppError } from '../model/index.ts'
import type { ApiConfig } from './config.ts'
import { createPlainListener, createTlsListener, type ListenerDeps, type TlsPair, tlsOptions } from './listener.ts'

/** What each listener is bound to; undefined: off. */
export interface HttpPorts {
  readonly plain: number | undefined
  readonly tls: number | undefined
}

export interface HttpServer {
  /** Resolves when it listens; rejects when an address is taken or is not ours, and then leaves nothing behind. */
  start(): Promise<void>
  /** Takes no more connections, lets running requests finish, and cuts what is left after `stopTimeoutMs`. */
  stop(): Promise<void>
  ports(): HttpPorts
  /** New handshakes get this certificate; connections that are open stay as they are. */
  useTls(pair: TlsPair): void
}

export interface HttpServerDeps extends ListenerDeps {
  /** Needed where `tlsPort` is set. */
  readonly tls: TlsPair | undefined
  readonly logger: Logger
}

/** How often a stopping server looks for connections that have become idle. */
const drainCheckMs = 20

export function createHttpServer(config: ApiConfig, deps: HttpServerDeps): HttpServer {
  const { logger } = deps
  const plain = config.port === undefined ? undefined : createPlainListener(config, deps)
  const tls = config.tlsPort === undefined ? undefined : createTlsListener(config, deps, requireTls(deps.tls))
  tls?.on('tlsClientError', (error) => logger.debug({ err: error }, 'https handshake failed'))
  // `closeAllConnections` knows nothing of those that are still shaking hands.
  const sockets = new Set<Socket>()
  for (const server of [plain, tls])
    server?.on('connection', (socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
  let starting: Promise<void> | undefined
  let stopping: Promise<void> | undefined

  async function listen(server: Server | TlsServer, port: number, protocol: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) =>
        reject(new AppError('invalid_input', `listen on ${config.host}:${port} for ${protocol} failed`, { cause })),
      )
      server.listen(port, config.host, resolve)
    })
    server.removeAllListeners('error')
    server.on('error', (err) => logger.error({ err }, 'http server failed'))
  }

  async function start(): Promise<void> {
    try {
      if (plain && config.port !== undefined) await listen(plain, config.port, 'HTTP')
      if (tls && config.tlsPort !== undefined) await listen(tls, config.tlsPort, 'HTTPS')
    } catch (error) {
      plain?.close()
      throw error
    }
  }

  async function stop(): Promise<void> {
    await starting?.catch(() => undefined)
    await Promise.all([plain, tls].map((server) => server?.listening && drain(server)))
  }

  async function drain(server: Server | TlsServer): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    const check = setInterval(() => server.closeIdleConnections(), drainCheckMs)
    const cut = setTimeout(() => {
      logger.warn({ stopTimeoutMs: config.stopTimeoutMs }, 'http requests cut at stop')
      for (const socket of sockets) socket.destroy()
    }, config.stopTimeoutMs)
    await closed
    clearInterval(check)
    clearTimeout(cut)
  }

  return {
    start: () => (starting ??= start()),
    stop: () => (stopping ??= stop()),
    ports: () => ({ plain: portOf(plain), tls: portOf(tls) }),
    useTls: (pair) => tls?.setSecureContext(tlsOptions(pair)),
  }
}

function requireTls(pair: TlsPair | undefined): TlsPair {
  if (pair === undefined) throw new AppError('invalid_input', 'listen for HTTPS failed: there is no certificate')
  return pair
}

function portOf(server: Server | TlsServer | undefined): number | undefined {
  const address = server?.address()
  return typeof address === 'object' && address !== null ? address.port : undefined
}
