import { z } from '@hono/zod-openapi'
import { type DeviceRecord, findMetric, metricKinds, qualityNames } from '../../model/index.ts'
import type { SeriesInfo } from '../../store/readings/index.ts'
import { deviceIdField, timeField } from '../fields.ts'
import { maxLimit } from '../paging.ts'
import { defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { seenDevice } from '../site-access.ts'
import { formatTime } from '../time.ts'

const unit = z.string().nullable().openapi({ description: 'UCUM; null for a metric that the profile does not know' })

const latestSchema = z
  .strictObject({ metric: z.string(), time: timeField, value: z.number(), unit, quality: z.enum(qualityNames) })
  .openapi('LatestReading')

const seriesSchema = z
  .strictObject({
    metric: z.string(),
    unit,
    kind: z.enum(metricKinds).nullable(),
    discovered: z
      .boolean()
      .openapi({ description: 'The profile does not know it; adopt it with PATCH /profiles/{id}' }),
  })
  .openapi('Series')

const ofDevice = z.strictObject({ id: deviceIdField })

export function latestRoutes({ state, peers }: RouteDeps): Route[] {
  /** Every metric the device has ever sent, by name; a device's limit of metrics keeps it to one page. */
  async function seriesOf(device: DeviceRecord): Promise<readonly SeriesInfo[]> {
    const { items } = await state.series.list({ deviceNumber: device.number, limit: maxLimit })
    return [...items].sort((a, b) => (a.metric < b.metric ? -1 : 1))
  }

  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/devices/{id}/latest',
      tag: 'Readings',
      summary: 'Read the newest reading of every metric of a device',
      description: 'The newest is the one with the newest time, not the one received last.',
      policy: { role: 'viewer', scope: 'readings:read', sites: 'own' },
      request: { params: ofDevice },
      responses: {
        200: { description: 'By metric', schema: z.strictObject({ items: z.array(latestSchema) }) },
      },
      async handler({ params }, { principal }) {
        const device = await seenDevice(state.devices, principal, params.id)
        const [series, profile] = await Promise.all([seriesOf(device), state.profiles.get(device.profileId)])
        const columns = await peers.ingest.latest(series.map(({ seriesId }) => seriesId))
        const items = series.flatMap(({ metric }, i) => {
          const timeMs = columns.timesMs[i] ?? Number.NaN
          if (Number.isNaN(timeMs)) return []
          return {
            metric,
            time: formatTime(timeMs),
            value: columns.values[i] ?? Number.NaN,
            unit: (profile && findMetric(profile, metric)?.unit) ?? null,
            quality: qualityNames[columns.quality[i] ?? 0] ?? 'good',
          }
        })
        return { status: 200, body: { items } }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/devices/{id}/series',
      tag: 'Readings',
      summary: 'List the metrics that a device has sent, discovered ones too',
      policy: { role: 'viewer', scope: 'readings:read', sites: 'own' },
      request: { params: ofDevice },
      responses: {
        200: { description: 'By metric', schema: z.strictObject({ items: z.array(seriesSchema) }) },
      },
      async handler({ params }, { principal }) {
        const device = await seenDevice(state.devices, principal, params.id)
        const [series, profile] = await Promise.all([seriesOf(device), state.profiles.get(device.profileId)])
        const items = series.map((one) => {
          const metric = profile && findMetric(profile, one.metric)
          return {
            metric: one.metric,
            unit: metric?.unit ?? null,
            kind: metric?.kind ?? null,
            discovered: metric === undefined,
          }
        })
        return { status: 200, body: { items } }
      },
    }),
  ]
}
