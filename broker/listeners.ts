import { readFile } from 'node:fs/promises'
import { createServer as createHttpServer, type Server as HttpServer, type IncomingMessage } from 'node:http'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSecureContext, createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import type { Logger } from 'pino'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { AppError } from '../model/index.ts'
import type { BrokerPorts } from './broker.ts'
import type { BrokerConfig } from './config.ts'
import type { Peer } from './connection-peers.ts'
import type { Transport } from './ports.ts'

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
const webSocketPath = '/mqtt'
/** [MQTT-6.0.0-3]; the second is what MQTT 3.1 clients say. */
const subprotocols = ['mqtt', 'mqttv3.1']

export function createListeners(
  config: BrokerConfig,
  logger: Logger,
  onConnection: (stream: Duplex, peer: Peer) => void,
): Listeners {
  const sockets = new Set<Duplex>()
  let tcp: Server | undefined
  let tls: TlsServer | undefined
  let http: HttpServer | undefined

  function track(socket: Duplex): void {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // Whatever comes before the connection listens; each later owner adds its own.
    socket.on('error', () => {})
  }

  function onSocket(socket: Socket, transport: Transport): void {
    track(socket)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, tcpKeepAliveMs)
    onConnection(socket, { address: socket.remoteAddress, transport })
  }

  function startTcp(port: number): Promise<Server> {
    const server = createTcpServer((socket) => onSocket(socket, 'tcp'))
    return listen(server, port)
  }

  async function startTls(port: number): Promise<TlsServer> {
    const options = { ...(await readTlsFiles()), handshakeTimeout: handshakeTimeoutMs }
    const server = createTlsServer(options, (socket) => onSocket(socket, 'tls'))
    server.on('connection', track)
    server.on('tlsClientError', (error) => logger.debug({ err: error }, 'tls handshake failed'))
    return await listen(server, port)
  }

  function startWebSocket(port: number): Promise<HttpServer> {
    const webSockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      handleProtocols: (offered) => subprotocols.find((known) => offered.has(known)) ?? false,
    })
    const server = createHttpServer((_request, response) => {
      response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end()
    })
    server.on('connection', track)
    server.on('upgrade', (request, socket: Socket, head) => {
      const refusal = refuseUpgrade(request)
      if (refusal !== undefined) {
        socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
        return
      }
      socket.setNoDelay(true)
      socket.setKeepAlive(true, tcpKeepAliveMs)
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        // [MQTT-6.0.0-1]: binary frames only.
        webSocket.on('message', (_data, isBinary) => {
          if (!isBinary) webSocket.terminate()
        })
        const stream = createWebSocketStream(webSocket)
        track(stream)
        onConnection(stream, { address: socket.remoteAddress, transport: 'websocket' })
      })
    })
    return listen(server, port)
  }

  async function listen<AnyServer extends Server>(server: AnyServer, port: number): Promise<AnyServer> {
    server.maxConnections = Math.ceil(config.maxConnections * 1.1)
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

  async function readTlsFiles(): Promise<{ key: Buffer; cert: Buffer; minVersion: 'TLSv1.2' }> {
    if (config.tls === undefined) throw new AppError('invalid_input', 'start the tls listener failed: no key file')
    const { keyFile, certFile } = config.tls
    try {
      const [key, cert] = await Promise.all([readFile(keyFile), readFile(certFile)])
      // Broken files, or a key and a certificate that do not belong together, show here and not at a handshake.
      createSecureContext({ key, cert })
      return { key, cert, minVersion: 'TLSv1.2' }
    } catch (error) {
      throw new AppError('invalid_input', `read tls files ${keyFile}, ${certFile} failed`, { cause: error })
    }
  }

  async function stop(): Promise<void> {
    const servers = [tcp, tls, http]
    tcp = tls = http = undefined
    // Closing waits for open connections, and so must not be waited for here.
    for (const server of servers) server?.close()
  }

  return {
    async start() {
      try {
        if (config.port !== undefined) tcp = await startTcp(config.port)
        if (config.tlsPort !== undefined) tls = await startTls(config.tlsPort)
        if (config.wsPort !== undefined) http = await startWebSocket(config.wsPort)
      } catch (error) {
        await stop()
        throw error
      }
    },
    stop,
    cut() {
      for (const socket of sockets) socket.destroy()
    },
    ports: () => ({ tcp: portOf(tcp), tls: portOf(tls), ws: portOf(http) }),
    async reloadTls() {
      const files = await readTlsFiles()
      tls?.setSecureContext(files)
    },
  }
}

function refuseUpgrade(request: IncomingMessage): string | undefined {
  const path = (request.url ?? '').split('?', 1)[0]
  if (path !== webSocketPath) return '404 Not Found'
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  return subprotocols.some((known) => offered.includes(known)) ? undefined : '400 Bad Request'
}

function portOf(server: Server | undefined): number | undefined {
  const address = server?.address()
  return typeof address === 'object' && address !== null ? address.port : undefined
}
