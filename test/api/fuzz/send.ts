import { Agent, type IncomingMessage, request } from 'node:http'

export interface RawRequest {
  readonly method: string
  /** Goes out as it is: nothing resolves its dots, as `fetch` would. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly bytes: Buffer | undefined
}

export interface RawResponse {
  readonly status: number
  readonly contentType: string | null
  /** Of an answer without an end nothing. */
  readonly text: string
}

export interface Sender extends Disposable {
  send(what: RawRequest): Promise<RawResponse>
}

export function createSender(url: string): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  const port = Number(new URL(url).port)

  function ask({ method, path, headers, bytes }: RawRequest): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const mutable = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
      )
      const asked = request({ host: '127.0.0.1', port, agent, method, path, headers: mutable }, resolve)
      asked.once('error', reject)
      asked.end(bytes)
    })
  }

  return {
    async send(what) {
      const response = await ask(what)
      const contentType = response.headers['content-type'] ?? null
      const status = response.statusCode ?? 0
      if (contentType?.startsWith('text/event-stream')) {
        response.destroy()
        return { status, contentType, text: '' }
      }
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk)
      return { status, contentType, text: Buffer.concat(chunks).toString('utf8') }
    },
    [Symbol.dispose]: () => agent.destroy(),
  }
}
