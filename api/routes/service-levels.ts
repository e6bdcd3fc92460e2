import { z } from '@hono/zod-openapi'
import { findService, type ServiceWindow, serviceLevels, serviceWindows } from '../../model/index.ts'
import { defineCachedRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'

const windows = Object.keys(serviceWindows) as [ServiceWindow, ...ServiceWindow[]]
const names = serviceLevels.map(({ name }) => name)

const levelSchema = z
  .strictObject({
    name: z.enum(names),
    window: z.enum(windows).openapi({ description: 'Up to now' }),
    unit: z.enum(['ms', '%']),
    op: z.enum(['<', '>']).openapi({ description: 'Which side of `target` the value is to be on' }),
    target: z.number(),
    value: z.number().nullable().openapi({ description: 'Null under 100 samples' }),
    samples: z.int().openapi({
      description: 'Requests, mails or alerts that the value is made of; of `uptime` the heartbeats there should be',
    }),
    met: z.boolean().nullable().openapi({ description: 'Null where there is no value' }),
  })
  .openapi('ServiceLevel')

export function serviceLevelRoutes({ state, clock }: RouteDeps): Route[] {
  return [
    defineCachedRoute({
      method: 'get',
      path: '/api/v1/service-levels',
      tag: 'Platform',
      summary: 'See how well the platform serves, against its targets',
      description:
        'Measured by the platform itself: the 95th percentile of the time to answer a request (`api_p95`), requests ' +
        'answered from a cache, time up, requests that failed by its own fault (`errors`), mails delivered of those that ' +
        'were not given up, and the 95th percentile of the time from a message to the acceptance of the mail about the ' +
        'alert that it made fire (`alert_response_p95`).',
      policy: { role: 'viewer', scope: 'platform:read', sites: 'own' },
      cache: { of: ['service'] },
      responses: {
        200: { description: 'Each level over each window', schema: z.strictObject({ items: z.array(levelSchema) }) },
      },
      async handler() {
        const nowMs = clock.now()
        const records = await Promise.all(windows.map((window) => state.service.read(window, nowMs)))
        const items = serviceLevels.flatMap((level) => {
          const { name, unit, op, target } = level
          return windows.flatMap((window, i) => {
            const record = records[i]
            return record === undefined ? [] : [{ name, window, unit, op, target, ...findService(level, record) }]
          })
        })
        return { status: 200, body: { items } }
      },
    }),
  ]
}
