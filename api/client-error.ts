import { type Server, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { HttpProblem, type ProblemCode, problemType } from './problem.ts'
import { type Head, withSecurityHeaders } from './security-headers.ts'

/** Node's names for what was no HTTP at all. */
const problems: Readonly<Record<string, readonly [ProblemCode, string]>> = {
  HPE_HEADER_OVERFLOW: ['headers_too_large', 'the headers are too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['too_large', 'the extensions of a chunk are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'the request took too long to arrive'],
}

/** Told the status of each answer that is given here. */
type OnAnswer = (status: number) => void

/** Requests that never become one, because they are no HTTP or never end: they get a problem too, and the connection is closed. */
export function answerClientErrors(server: Server, onAnswer: OnAnswer): void {
  const answer = (socket: Duplex, problem: HttpProblem) => {
    onAnswer(problem.status)
    const { status, headers, body } = wire(problem)
    const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
    head.push(`content-length: ${Buffer.byteLength(body)}`, 'connection: close')
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${head.join('\r\n')}\r\n\r\n${body}`)
  }
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    const [code, detail] = problems[error.code ?? ''] ?? ['malformed_request', 'this is not HTTP/1.1']
    answer(socket, new HttpProblem(code, detail))
  })
  server.on('connect', (_request, socket: Duplex) => {
    socket.on('error', () => socket.destroy())
    answer(socket, new HttpProblem('method_not_allowed', 'this is no proxy', { headers: { allow: 'GET, HEAD' } }))
  })
}

/** The answer to a request whose target and Host make no address: `OPTIONS *`, a Host that is none or is missing. */
export function unreadableAddress(onAnswer: OnAnswer): () => Response {
  return () => {
    const problem = new HttpProblem(
      'malformed_request',
      'the target of the request and its header Host make no address',
    )
    onAnswer(problem.status)
    const { status, headers, body } = wire(problem)
    return new Response(body, { status, headers })
  }
}

function wire(problem: HttpProblem): { status: number; headers: Head; body: string } {
  const requestId = crypto.randomUUID()
  const own = { ...problem.headers, 'content-type': problemType, 'x-request-id': requestId }
  return {
    status: problem.status,
    headers: withSecurityHeaders(own, { secure: false }),
    body: JSON.stringify(problem.body(requestId)),
  }
}
