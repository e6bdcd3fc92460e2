import { readFile } from 'node:fs/promises'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  createSecureContext,
  createServer as createTlsServer,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls'
import type { Logger } from 'pino'
import { AppError, type ClientCertificate, tlsTerms } from '../model/index.ts'
import type { BrokerPorts } from './broker.ts'
import { shownCertificate } from './client-certificate.ts'
import type { BrokerConfig } from './config.ts'
import type { Peer } from './connection-peers.ts'
import type { Transport } from './ports.ts'
import { refuseRequest, serveWebSockets } from './web-socket.ts'

export interface Listeners {
  /** All or none: rejects when a port is taken or a file cannot be read. */
  start(): Promise<void>
  /** New connections are refused from here on; those that are open stay. */
  stop(): Promise<void>
  /** Cuts what is still open. */
  cut(): void
  ports(): BrokerPorts
  reloadTls(): Promise<void>
}

/** As many as the kernel allows: thousands of devices come back at once after a power cut. */
const backlog = 16_384
const handshakeTimeoutMs = 10_000
/** TCP finds out after a minute of silence that a peer is gone, whatever keep alive it asked for. */
const tcpKeepAliveMs = 60_000

export function createListeners(
  config: BrokerConfig,
  logger: Logger,
  onConnection: (stream: Duplex, peer: Peer) => void,
): Listeners {
  const sockets = new Set<Duplex>()
  const socketsMax = Math.ceil(config.maxConnections * 1.1)
  let open = 0
  let tcp: Server | undefined
  let tls: TlsServer | undefined
  let http: HttpServer | undefined
  let https: HttpsServer | undefined

  function track(socket: Duplex): void {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // Whatever comes before the connection listens; each later owner adds its own.
    socket.on('error', () => {})
  }

  /** Of all listeners together; the last of what the system has is not for sockets. */
  function countSocket(socket: Socket): void {
    if (open >= socketsMax) {
      socket.destroy()
      return
    }
    open++
    socket.once('close', () => open--)
  }

  function onSocket(socket: Socket, transport: Transport, certificate?: ClientCertificate): void {
    if (socket.destroyed) return
    track(socket)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, tcpKeepAliveMs)
    onConnection(socket, { address: socket.remoteAddress, transport, certificate })
  }

  function onTlsSocket(socket: TLSSocket): void {
    const shown = config.clientCaFile === undefined ? ({ kind: 'none' } as const) : shownCertificate(socket)
    if (shown.kind === 'untrusted') {
      logger.debug({ address: socket.remoteAddress, why: shown.why }, 'client certificate not trusted')
      socket.destroy()
    } else onSocket(socket, 'tls', shown.kind === 'certificate' ? shown.certificate : undefined)
  }

  function startTcp(port: number): Promise<Server> {
    const server = createTcpServer((socket) => onSocket(socket, 'tcp'))
    return listen(server, port)
  }

  async function startTls(port: number): Promise<TlsServer> {
    const clientCa = await readClientCa()
    // Not insisted on: a device may have a token instead. What is shown and not trusted is refused below.
    const asking = clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: false, ca: clientCa }
    const options = { ...(await readTlsFiles()), ...asking, handshakeTimeout: handshakeTimeoutMs }
    const server = createTlsServer(options, (socket) => onTlsSocket(socket))
    server.on('connection', track)
    server.on('tlsClientError', (error) => logger.debug({ err: error }, 'tls handshake failed'))
    return await listen(server, port)
  }

  function startWebSocket(port: number): Promise<HttpServer> {
    const server = createHttpServer(refuseRequest)
    takeWebSockets(server)
    return listen(server, port)
  }

  async function startSecureWebSocket(port: number): Promise<HttpsServer> {
    const options = { ...(await readTlsFiles()), handshakeTimeout: handshakeTimeoutMs }
    const server = createHttpsServer(options, refuseRequest)
    server.on('tlsClientError', (error) => logger.debug({ err: error }, 'tls handshake failed'))
    takeWebSockets(server)
    return await listen(server, port)
  }

  function takeWebSockets(server: HttpServer | HttpsServer): void {
    server.on('connection', track)
    serveWebSockets(server, {
      origins: config.webSocketOrigins,
      onUpgrade(socket) {
        socket.setNoDelay(true)
        socket.setKeepAlive(true, tcpKeepAliveMs)
      },
      onStream(stream, socket) {
        track(stream)
        onConnection(stream, { address: socket.remoteAddress, transport: 'websocket' })
      },
    })
  }

  async function listen<AnyServer extends Server>(server: AnyServer, port: number): Promise<AnyServer> {
    server.prependListener('connection', countSocket)
    const { promise, resolve, reject } = Promise.withResolvers<AnyServer>()
    server.once('error', reject)
    server.listen({ host: config.host, port, backlog }, () => resolve(server))
    try {
      await promise
    } catch (error) {
      throw new AppError('conflict', `listen on ${config.host}:${port} failed`, { cause: error })
    }
    server.off('error', reject)
    // After that only accepting fails (too many open files), and the next connection may succeed.
    server.on('error', (error) => logger.error({ err: error }, 'accepting a connection failed'))
    return server
  }

  async function readTlsFiles(): Promise<{ key: Buffer; cert: Buffer } & typeof tlsTerms> {
    if (config.tls === undefined) throw new AppError('invalid_input', 'start the tls listener failed: no key file')
    const { keyFile, certFile } = config.tls
    try {
      const [key, cert] = await Promise.all([readFile(keyFile), readFile(certFile)])
      // Broken files, or a key and a certificate that do not belong together, show here and not at a handshake.
      createSecureContext({ key, cert })
      return { key, cert, ...tlsTerms }
    } catch (error) {
      throw new AppError('invalid_input', `read tls files ${keyFile}, ${certFile} failed`, { cause: error })
    }
  }

  async function readClientCa(): Promise<Buffer | undefined> {
    const { clientCaFile } = config
    if (clientCaFile === undefined) return undefined
    try {
      return await readFile(clientCaFile)
    } catch (error) {
      throw new AppError('invalid_input', `read client authorities ${clientCaFile} failed`, { cause: error })
    }
  }

  async function stop(): Promise<void> {
    const servers = [tcp, tls, http, https]
    tcp = tls = http = https = undefined
    // Closing waits for open connections, and so must not be waited for here.
    for (const server of servers) server?.close()
  }

  return {
    async start() {
      try {
        if (config.port !== undefined) tcp = await startTcp(config.port)
        if (config.tlsPort !== undefined) tls = await startTls(config.tlsPort)
        if (config.wsPort !== undefined) http = await startWebSocket(config.wsPort)
        if (config.wssPort !== undefined) https = await startSecureWebSocket(config.wssPort)
      } catch (error) {
        await stop()
        throw error
      }
    },
    stop,
    cut() {
      for (const socket of sockets) socket.destroy()
    },
    ports: () => ({ tcp: portOf(tcp), tls: portOf(tls), ws: portOf(http), wss: portOf(https) }),
    async reloadTls() {
      const files = await readTlsFiles()
      const ca = await readClientCa()
      tls?.setSecureContext({ ...files, ...(ca && { ca }) })
      https?.setSecureContext(files)
    },
  }
}

function portOf(server: Server | undefined): number | undefined {
  const address = server?.address()
  return typeof address === 'object' && address !== null ? address.port : undefined
}
