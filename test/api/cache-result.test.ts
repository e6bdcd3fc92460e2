import { z } from '@hono/zod-openapi'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { createApp } from '../../api/app.ts'
import { apiConfigSchema } from '../../api/config.ts'
import { createHttpMetrics } from '../../api/http-metrics.ts'
import { createQuotas } from '../../api/quota.ts'
import { type CacheResult, definePublicRoute } from '../../api/route.ts'

test('an answer says whether it was kept from before, and it is counted by route and for the service level', async () => {
  const registry = new Registry()
  const told: boolean[] = []
  const results: (CacheResult | undefined)[] = ['miss', 'hit', undefined]
  const route = definePublicRoute({
    method: 'get',
    path: '/api/v1/things/{id}',
    tag: 'Platform',
    summary: 'Nothing',
    request: { params: z.strictObject({ id: z.string() }) },
    responses: { 200: { description: 'x', schema: z.strictObject({}) } },
    async handler() {
      const cache = results.shift()
      return { status: 200, body: {}, headers: { 'x-more': '1' }, ...(cache && { cache }) }
    },
  })
  const app = createApp([route], apiConfigSchema.parse({}), {
    authenticate: async () => Promise.reject(new Error('nobody is asked')),
    logger: pino({ level: 'silent' }),
    metrics: createHttpMetrics(registry, { answered: () => undefined, cacheAsked: (hit) => void told.push(hit) }),
    quotaOf: createQuotas({ take: async () => undefined, forget: async () => undefined }, () => undefined),
    answerCached: async () => Promise.reject(new Error('nothing is kept')),
    refused: { note: () => undefined },
    repeats: { run: async ({ route, request, context }) => route.run(request, context) },
  })
  const headers: unknown[] = []
  for (const id of ['a', 'b', 'c']) {
    const answer = await app.request(`/api/v1/things/${id}`)
    headers.push([answer.headers.get('x-cache'), answer.headers.get('x-more')])
  }
  expect(headers).toEqual([
    ['miss', '1'],
    ['hit', '1'],
    [null, '1'],
  ])
  expect(told).toEqual([false, true])
  const counted = await registry.getSingleMetricAsString('pelbiot_cache_requests_total')
  expect(counted).toContain('{route="/api/v1/things/{id}",result="hit"} 1')
  expect(counted).toContain('{route="/api/v1/things/{id}",result="miss"} 1')
})
