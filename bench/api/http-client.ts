import { Agent, request } from 'node:http'

/** Connections that a browser opens to one host. */
const socketsOfBrowser = 6
const timeoutMs = 5_000

export interface ApiClient {
  /** The status once the whole answer is there; rejects when that takes too long, or the connection breaks. */
  get(path: string): Promise<number>
  close(): void
}

/** One browser, or a program, on a machine of its own: connections that stay open, and a key. `number` is below 250. */
export function createApiClient(port: number, key: string, number: number): ApiClient {
  const agent = new Agent({ keepAlive: true, maxSockets: socketsOfBrowser })
  // Each comes from another loopback address, for an address has so many connections at most.
  const localAddress = `127.0.1.${number + 1}`
  const options = { host: '127.0.0.1', localAddress, port, agent, headers: { authorization: `Bearer ${key}` } }
  return {
    get: (path) =>
      new Promise((resolve, reject) => {
        const asked = request({ ...options, path, signal: AbortSignal.timeout(timeoutMs) }, (answer) => {
          answer.resume()
          answer.once('end', () => resolve(answer.statusCode ?? 0))
          answer.once('error', reject)
        })
        asked.once('error', reject)
        asked.end()
      }),
    close: () => agent.destroy(),
  }
}
