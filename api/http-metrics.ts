import { Counter, Histogram, type Registry } from 'prom-client'
import type { RefusedConnection } from './connection-limit.ts'
import type { ServiceWatch } from './ports.ts'
import type { LimitKind } from './quota.ts'
import type { CacheResult } from './route.ts'

export interface HttpMetrics {
  /** Called when a request begins; the result when its answer is known. `route` is a route's path, never an address. */
  begin(method: string): (route: string, status: number) => void
  /** A request to a cacheable route was answered from the cache, or was not. */
  cacheAsked(route: string, result: CacheResult): void
  /** What was no request, and was answered all the same. */
  unreadable(status: number): void
  refusedConnection(why: RefusedConnection): void
  rateLimited(kind: LimitKind): void
  /** Answers kept for an Idempotency-Key that went before their day was over. */
  answersRemoved(count: number): void
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])

export function createHttpMetrics(registry: Registry, service: ServiceWatch): HttpMetrics {
  const requests = new Counter({
    name: 'pelbiot_http_requests_total',
    help: 'HTTP requests answered',
    labelNames: ['method', 'route', 'status'] as const,
    registers: [registry],
  })
  const duration = new Histogram({
    name: 'pelbiot_http_request_duration_seconds',
    help: 'Time from the request to the head of its answer',
    labelNames: ['method', 'route'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  })
  const refused = new Counter({
    name: 'pelbiot_http_connections_refused_total',
    help: 'HTTP connections closed at once: too many of all, or of one address',
    labelNames: ['limit'] as const,
    registers: [registry],
  })
  const answersRemoved = new Counter({
    name: 'pelbiot_http_kept_answers_removed_total',
    help: 'Answers kept for an Idempotency-Key that went before their day was over, for their principal had too many',
    registers: [registry],
  })
  const limited = new Counter({
    name: 'pelbiot_http_rate_limited_total',
    help: 'HTTP requests answered 429, by the limit that they met',
    labelNames: ['limit'] as const,
    registers: [registry],
  })
  const cached = new Counter({
    name: 'pelbiot_cache_requests_total',
    help: 'HTTP requests to cacheable routes, by whether what they took was kept from before (hit) or not (miss)',
    labelNames: ['route', 'result'] as const,
    registers: [registry],
  })
  return {
    begin(given) {
      // A client may send any word as a method; a label must not grow with it.
      const method = methods.has(given) ? given : 'other'
      const startMs = performance.now()
      return (route, status) => {
        const durationMs = performance.now() - startMs
        requests.inc({ method, route, status })
        duration.observe({ method, route }, durationMs / 1000)
        // Pages, probes and what is not there are not what the service levels speak of.
        if (route.startsWith('/api/')) service.answered(durationMs, status)
      }
    },
    cacheAsked(route, result) {
      cached.inc({ route, result })
      service.cacheAsked(result === 'hit')
    },
    answersRemoved: (count) => answersRemoved.inc(count),
    rateLimited: (limit) => limited.inc({ limit }),
    refusedConnection: (limit) => refused.inc({ limit }),
    unreadable: (status) => requests.inc({ method: 'other', route: 'none', status }),
  }
}
