import { z } from '@hono/zod-openapi'
import type { LatestColumns } from '../../ingest/index.ts'
import { type DeviceRecord, findMetric, type MetricName, maySee, metricKinds, qualityNames } from '../../model/index.ts'
import type { SeriesInfo } from '../../store/readings/index.ts'
import { assetIdField, deviceIdField, metricField, profileIdField, siteIdField, timeField } from '../fields.ts'
import type { Inventory, Kept } from '../inventory.ts'
import { JsonText } from '../json-text.ts'
import { loadPage, maxLimit, pageQuery, pageSchema } from '../paging.ts'
import { numberOrNull } from '../read-buckets.ts'
import { type CacheResult, defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { found, visible } from '../site-access.ts'
import { readSiteSeries, type SeriesOfSite } from '../site-series.ts'
import { createTimeFormat } from '../time.ts'

/** Of a filter. */
const maxMetrics = 50

const unit = z.string().nullable().openapi({ description: 'UCUM; null for a metric that the profile does not know' })

const latestSchema = z
  .strictObject({ metric: z.string(), time: timeField, value: z.number(), unit, quality: z.enum(qualityNames) })
  .openapi('LatestReading')

const siteLatestSchema = z
  .strictObject({
    device: z.string(),
    metric: z.string(),
    time: timeField,
    value: z.number(),
    unit,
    quality: z.enum(qualityNames),
  })
  .openapi('LatestOfDevice')

const deviceLatest = z.strictObject({ items: z.array(latestSchema) })
type DeviceLatest = z.input<typeof deviceLatest>
const siteLatest = pageSchema(siteLatestSchema)
type SiteLatest = z.input<typeof siteLatest>

const siteLatestQuery = z.strictObject({
  ...pageQuery,
  metric: z
    .string()
    .max(maxMetrics * 65)
    .transform((text, context): readonly MetricName[] => {
      const names = text.split(',').map((name) => metricField.safeParse(name))
      const known = names.flatMap(({ data }) => data ?? [])
      if (known.length === names.length && known.length <= maxMetrics) return known
      context.addIssue({ code: 'custom', message: `must be up to ${maxMetrics} names of metrics, with commas` })
      return z.NEVER
    })
    .optional()
    .openapi({ description: 'Of these metrics only, by commas', example: 'power,voltage' }),
  assetId: assetIdField.optional().openapi({ description: 'Of the devices that belong to the asset itself' }),
  profileId: profileIdField.optional(),
})

const placeInSite = z.strictObject({ device: z.string().max(100), metric: z.string().max(100) })

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

export function latestRoutes({ state, inventory, peers }: RouteDeps): Route[] {
  /** Every metric the device has ever sent, by name; a device's limit of metrics keeps it to one page. */
  function seriesOf({ number }: DeviceRecord, { kept }: Inventory): Promise<Kept<readonly SeriesInfo[]>> {
    const load = async () => {
      const { items } = await state.series.list({ deviceNumber: number, limit: maxLimit })
      return items.toSorted((a, b) => (a.metric < b.metric ? -1 : 1))
    }
    return kept(`series of ${number}`, load, ({ length }) => length)
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
        200: { description: 'By metric', schema: deviceLatest },
      },
      async handler({ params }, { principal }) {
        const now = await inventory()
        const device = found(visible(principal, await now.device(params.id)), 'device', params.id)
        const [{ value: series, hit }, profile] = await Promise.all([
          seriesOf(device, now),
          now.profile(device.profileId),
        ])
        const columns = await peers.ingest.latest(Int32Array.from(series, ({ seriesId }) => seriesId))
        const named = series.map(({ metric }) => ({
          name: `"metric":${JSON.stringify(metric)}`,
          unit: JSON.stringify((profile && findMetric(profile, metric)?.unit) ?? null),
        }))
        const items = latestTexts(columns, named)
        const body: JsonText<DeviceLatest> = new JsonText(`{"items":[${items.join()}]}`)
        return { status: 200, body, cache: hit ? 'hit' : 'miss' }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/sites/{id}/latest',
      tag: 'Readings',
      summary: 'Read the newest reading of every metric of every device of a site',
      description: 'A metric that a device has never sent is left out, so a page may have fewer items than `limit`.',
      policy: { role: 'viewer', scope: 'readings:read', sites: 'own' },
      request: { params: z.strictObject({ id: siteIdField }), query: siteLatestQuery },
      responses: { 200: { description: 'By device and metric', schema: siteLatest } },
      async handler({ params, query }, { principal }) {
        const siteId = params.id
        const now = await inventory()
        found(maySee(principal.sites, siteId) ? await now.site(siteId) : undefined, 'site', siteId)
        const { metric: metrics, assetId, profileId } = query
        let cache: CacheResult = 'miss'
        let seriesIds: Int32Array = new Int32Array(0)
        const page = await loadPage(query, {
          filter: { list: 'site latest', siteId, metrics: metrics?.join(), assetId, profileId },
          place: placeInSite,
          async load(asked) {
            const read = await readSiteSeries(state, now, { ...asked, siteId, metrics, assetId, profileId })
            cache = read.cache
            seriesIds = read.seriesIds
            return read
          },
          toItem: (series) => series,
        })
        const columns = await peers.ingest.latest(seriesIds)
        const items = latestTexts(columns, page.items)
        const body: JsonText<SiteLatest> = new JsonText(
          `{"items":[${items.join()}],"nextCursor":${JSON.stringify(page.nextCursor)}}`,
        )
        return { status: 200, body, cache }
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
        const now = await inventory()
        const device = found(visible(principal, await now.device(params.id)), 'device', params.id)
        const [{ value: series }, profile] = await Promise.all([seriesOf(device, now), now.profile(device.profileId)])
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

/** Those that have a reading, as JSON. A site has thousands, and most of the time that they take is for making them into text. */
function latestTexts({ timesMs, values, quality }: LatestColumns, series: readonly SeriesOfSite[]): string[] {
  const format = createTimeFormat()
  const texts: string[] = []
  for (const [i, { name, unit }] of series.entries()) {
    const timeMs = timesMs[i] ?? Number.NaN
    if (Number.isNaN(timeMs)) continue
    const reading = `"time":"${format(timeMs)}","value":${numberOrNull(values[i])}`
    texts.push(`{${name},${reading},"unit":${unit},"quality":"${qualityNames[quality[i] ?? 0] ?? 'good'}"}`)
  }
  return texts
}
