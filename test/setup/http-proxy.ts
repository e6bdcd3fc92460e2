import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'

/** What a proxy answers itself instead of passing the request on. */
export interface OwnAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface HttpProxy extends AsyncDisposable {
  readonly url: string
  /** Asked for every request; undefined passes it on. */
  answer: (request: IncomingMessage) => OwnAnswer | undefined
  /** Requests so far, as `POST /write`. */
  readonly requests: readonly string[]
}

/** A server in front of another one, which can be made to refuse. */
export async function startHttpProxy(target: string): Promise<HttpProxy> {
  const requests: string[] = []
  const server = createServer((incoming, outgoing) => {
    requests.push(`${incoming.method} ${incoming.url?.split('?', 1)[0]}`)
    const own = proxy.answer(incoming)
    if (own === undefined) passOn(target, incoming, outgoing)
    else {
      incoming.resume()
      outgoing.writeHead(own.status, { ...own.headers }).end(own.body)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const proxy: HttpProxy = {
    url: `http://127.0.0.1:${port}`,
    answer: () => undefined,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return proxy
}

/** A target that cannot be reached makes the connection end, as it would without a proxy. */
function passOn(target: string, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const onward = request(
    `${target}${incoming.url}`,
    { method: incoming.method, headers: incoming.headers },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
      answer.on('error', () => outgoing.destroy())
    },
  )
  onward.on('error', () => outgoing.destroy())
  incoming.pipe(onward)
}
