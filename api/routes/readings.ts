import { z } from '@hono/zod-openapi'
import { type DeviceRecord, findMetric, type MetricName, qualityNames } from '../../model/index.ts'
import { deviceIdField, timeField } from '../fields.ts'
import { pageSchema } from '../paging.ts'
import { HttpProblem } from '../problem.ts'
import { readBuckets } from '../read-buckets.ts'
import { readRaw } from '../read-raw.ts'
import { readingQuery } from '../reading-query.ts'
import { defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { found, seenDevice } from '../site-access.ts'

const readingSchema = z
  .strictObject({ time: timeField, value: z.number(), quality: z.enum(qualityNames) })
  .openapi('Reading')

const bucketSchema = z
  .strictObject({
    from: timeField,
    to: timeField,
    value: z.number().nullable().openapi({
      description: 'What `fn` made of the readings, suspect ones included; null: a sum beyond what a number can be',
    }),
    count: z.int().openapi({ description: 'How many readings it is made of, whatever their quality' }),
  })
  .openapi('Bucket')

export function readingRoutes({ state, peers, clock }: RouteDeps): Route[] {
  /** Undefined: its profile knows the metric, and nothing has come yet. */
  async function seriesOf(device: DeviceRecord, metric: MetricName) {
    const series = await state.series.find(device.number, metric)
    if (series !== undefined) return series
    const profile = await state.profiles.get(device.profileId)
    if (profile !== undefined && findMetric(profile, metric) !== undefined) return undefined
    throw new HttpProblem('not_found', `${device.id} has sent no metric ${metric}, and ${device.profileId} has none`)
  }

  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/devices/{id}/readings',
      tag: 'Readings',
      summary: 'Read one metric of a device, raw or summed up by buckets of time',
      policy: { role: 'viewer', scope: 'readings:read', sites: 'own' },
      request: { params: z.strictObject({ id: deviceIdField }), query: readingQuery },
      responses: {
        200: {
          description: 'Readings, or with `bucket` buckets; ascending by time',
          schema: z.union([pageSchema(readingSchema), pageSchema(bucketSchema)]),
        },
      },
      async handler({ params, query }, { principal }) {
        const device = await seenDevice(state.devices, principal, params.id)
        const series = await seriesOf(device, query.metric)
        const { metric, from, to, bucket, fn } = query
        const request = {
          query,
          filter: { device: device.number, metric, from, to, bucket: bucket && `${bucket.count}${bucket.unit}`, fn },
          seriesId: series?.seriesId,
          nowMs: clock.now(),
        }
        if (bucket === undefined) return { status: 200, body: await readRaw(peers.readings, request) }
        const site = found(await state.sites.get(device.siteId), 'site', device.siteId)
        const body = await readBuckets(peers.readings, { ...request, size: bucket, timeZone: site.timeZone })
        return { status: 200, body }
      },
    }),
  ]
}
