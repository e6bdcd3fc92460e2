import { type Server, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { HttpProblem, type ProblemCode } from './problem.ts'

/** Node's names for what was no HTTP at all. */
const problems: Readonly<Record<string, readonly [ProblemCode, string]>> = {
  HPE_HEADER_OVERFLOW: ['headers_too_large', 'the headers are too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['too_large', 'the extensions of a chunk are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'the request took too long to arrive'],
}

/** Requests that never become one, because they are no HTTP or never end: they get a problem too, and the connection is closed. */
export function answerClientErrors(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    const [code, detail] = problems[error.code ?? ''] ?? ['malformed_request', 'this is not HTTP/1.1']
    const problem = new HttpProblem(code, detail)
    const requestId = crypto.randomUUID()
    const body = JSON.stringify(problem.body(requestId))
    const head = [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
      'content-type: application/problem+json',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${requestId}`,
      'connection: close',
    ]
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  })
}
