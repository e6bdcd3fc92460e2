import { z } from '@hono/zod-openapi'
import { withDeadline } from '../deadline.ts'
import { createPlatformMetrics } from '../platform-metrics.ts'
import { defineOpenRoute, definePublicRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'

const tag = 'Platform'

const readySchema = z
  .strictObject({
    ready: z.boolean(),
    checks: z
      .record(z.string(), z.string())
      .openapi({ description: '`ok`, or what is wrong', example: { state: 'ok', log: 'full' } }),
  })
  .openapi('Readiness')

/** They are of every site. */
const metricsPolicy = { role: 'viewer', scope: 'platform:read', sites: 'every' } as const

export function healthRoutes({ state, peers, registry, peerTimeoutMs, anonymous }: RouteDeps): Route[] {
  const updateMetrics = createPlatformMetrics(registry, peers, peerTimeoutMs)

  const checks: Readonly<Record<string, () => Promise<string>>> = {
    state: async () => {
      await state.settings.get('ready')
      return 'ok'
    },
    log: async () => ((await peers.log.stats()).full ? 'full' : 'ok'),
    ingest: async () => {
      await peers.ingest.stats()
      return 'ok'
    },
    broker: async () => {
      await peers.broker.status()
      return 'ok'
    },
  }

  return [
    definePublicRoute({
      method: 'get',
      path: '/livez',
      tag,
      summary: 'Ask whether the process is alive',
      responses: { 200: { description: 'It is', schema: z.strictObject({ live: z.boolean() }) } },
      handler: async () => ({ status: 200, body: { live: true } }),
    }),
    definePublicRoute({
      method: 'get',
      path: '/readyz',
      tag,
      summary: 'Ask whether the platform takes messages and answers',
      description: 'Asks the state, the log, ingest and the broker; a full log is not ready.',
      responses: {
        200: { description: 'It does', schema: readySchema },
        503: { description: 'It does not; `checks` say why', schema: readySchema },
      },
      async handler() {
        const results = await Promise.all(
          Object.entries(checks).map(async ([name, check]) => {
            const result = await withDeadline(name, peerTimeoutMs, check()).catch(() => 'does not answer')
            return [name, result] as const
          }),
        )
        const ready = results.every(([, result]) => result === 'ok')
        return { status: ready ? 200 : 503, body: { ready, checks: Object.fromEntries(results) } }
      },
    }),
    defineOpenRoute(anonymous.includes('metrics') ? 'public' : metricsPolicy, {
      method: 'get',
      path: '/metrics',
      tag,
      summary: 'Scrape the metrics of the platform with Prometheus',
      responses: {
        200: { description: 'Text format of Prometheus', schema: z.string(), mediaType: registry.contentType },
      },
      async handler() {
        await updateMetrics()
        return { status: 200, body: await registry.metrics() }
      },
    }),
  ]
}
