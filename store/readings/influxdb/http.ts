import type { InfluxdbReadingsConfig } from './config.ts'
import { RefusedRequest } from './errors.ts'

export interface HttpInit {
  readonly method?: string
  readonly body?: URLSearchParams
  /** By default that of the settings. */
  readonly timeoutMs?: number
}

/** Requests other than writes, which leave through the official client. */
export interface Http {
  /** Rejects with a `RefusedRequest` when the answer is not 2xx, and with what `fetch` says when there is none. */
  send(path: string, init?: HttpInit): Promise<Response>
}

export interface HttpDeps {
  readonly authorization: string | undefined
  /** Ends what is under way. */
  readonly signal: AbortSignal
}

export function createHttp(
  { url, timeoutMs: usualTimeoutMs }: InfluxdbReadingsConfig,
  { authorization, signal }: HttpDeps,
): Http {
  const base = url.replace(/\/+$/, '')
  return {
    async send(path, { timeoutMs = usualTimeoutMs, ...init } = {}) {
      const response = await fetch(`${base}${path}`, {
        ...init,
        headers: authorization === undefined ? {} : { authorization },
        // Readings and the password go to the server that was set, and to no other that it names.
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      if (response.ok) return response
      throw refusedBy(response.status, await response.text(), response.headers.get('retry-after') ?? undefined)
    },
  }
}

export function refusedBy(status: number, body: string, retryAfter: string | undefined): RefusedRequest {
  return new RefusedRequest(status, errorText(body), retryAfter)
}

/** InfluxDB 1.x says `{"error": …}`, 2.x `{"message": …}`, a proxy in between whatever it likes. */
function errorText(body: string): string {
  try {
    const said: unknown = JSON.parse(body)
    if (typeof said === 'object' && said !== null) {
      if ('error' in said && typeof said.error === 'string') return said.error
      if ('message' in said && typeof said.message === 'string') return said.message
    }
  } catch {
    // Not JSON: as it is.
  }
  return body.trim()
}
