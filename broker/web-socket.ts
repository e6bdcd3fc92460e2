import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocketServer } from 'ws'

const path = '/mqtt'
/** [MQTT-6.0.0-3]; the second is what MQTT 3.1 clients say. */
const subprotocols = ['mqtt', 'mqttv3.1']

export interface WebSocketDeps {
  /** Of pages that may connect, beside those of this very host. */
  readonly origins: readonly string[]
  /** A handshake is about to be answered. */
  onUpgrade(socket: Socket): void
  onStream(stream: Duplex, socket: Socket): void
}

/** Serves MQTT over WebSocket at `/mqtt`, and nothing else. */
export function serveWebSockets(server: Server, { origins, onUpgrade, onStream }: WebSocketDeps): void {
  const webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: (offered) => subprotocols.find((known) => offered.has(known)) ?? false,
  })
  server.on('upgrade', (request, socket: Socket, head) => {
    const refusal = refuseUpgrade(request, origins)
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    onUpgrade(socket)
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      // [MQTT-6.0.0-1]: binary frames only.
      webSocket.on('message', (_data, isBinary) => {
        if (!isBinary) webSocket.terminate()
      })
      onStream(createWebSocketStream(webSocket), socket)
    })
  })
}

/** The answer to who asks for something else than a WebSocket. */
export function refuseRequest(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end()
}

function refuseUpgrade({ url, headers }: IncomingMessage, origins: readonly string[]): string | undefined {
  if ((url ?? '').split('?', 1)[0] !== path) return '404 Not Found'
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  if (!subprotocols.some((known) => offered.includes(known))) return '400 Bad Request'
  return isKnownOrigin(headers.origin, headers.host, origins) ? undefined : '403 Forbidden'
}

/** RFC 6455, section 10.2: only browsers send an origin, and cannot be made to lie about it. */
function isKnownOrigin(origin: string | undefined, host: string | undefined, origins: readonly string[]): boolean {
  if (origin === undefined || origins.includes(origin)) return true
  const asked = URL.parse(`http://${host}`)?.hostname
  return asked !== undefined && asked !== '' && URL.parse(origin)?.hostname === asked
}
