import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from '@hono/zod-openapi'
import { type DeviceRecord, findMetric, type MetricName, type ProfileRecord, qualityNames } from '../../model/index.ts'
import { withDeadline } from '../deadline.ts'
import { type Caller, createExports } from '../exports.ts'
import { deviceIdField, timeField } from '../fields.ts'
import type { Inventory } from '../inventory.ts'
import { JsonText } from '../json-text.ts'
import { type PageInput, pageSchema } from '../paging.ts'
import { badParameter, HttpProblem } from '../problem.ts'
import { type BucketReading, type BucketRequest, readBuckets } from '../read-buckets.ts'
import { aheadMs, readRaw } from '../read-raw.ts'
import { createSeriesReader } from '../read-series.ts'
import { type BucketFunction, bucketFunctions, readingQuery } from '../reading-query.ts'
import { bucketCsv, columnsCsv, rawCsv, seriesCsv } from '../readings-csv.ts'
import { defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { createSeriesJson } from '../series-json.ts'
import { type NamedSeries, seriesQuery, seriesReadingsSchema, toColumns } from '../series-query.ts'
import { found, visible } from '../site-access.ts'
import { csvType, preferred } from '../text-stream.ts'
import type { SeriesRead } from '../window-reader.ts'

const readingSchema = z
  .strictObject({ time: timeField, value: z.number(), quality: z.enum(qualityNames) })
  .openapi('Reading')

const number = z.number().nullable()

const bucketSchema = z
  .strictObject({
    from: timeField,
    to: timeField,
    value: number.openapi({
      description:
        'What `fn`, or the first of it, made of the readings, suspect ones included; null: a sum beyond what a number can be',
    }),
    count: z.int().openapi({ description: 'How many readings it is made of, whatever their quality' }),
    values: z
      .partialRecord(z.enum(bucketFunctions), number)
      .optional()
      .openapi({ description: 'By function, where `fn` is more than one' }),
  })
  .openapi('Bucket')

const zoomed = {
  bucket: z
    .string()
    .nullable()
    .optional()
    .openapi({ description: 'With `maxPoints`: how long the buckets are; null: these are the readings as they came' }),
}

const readingsPage = z.union([pageSchema(readingSchema).extend(zoomed), pageSchema(bucketSchema).extend(zoomed)])
type ReadingsPage = z.input<typeof readingsPage>
const allReadings = z.strictObject({ items: z.array(seriesReadingsSchema) })
type AllReadings = z.input<typeof allReadings>

const tag = 'Readings'
const policy = { role: 'viewer', scope: 'readings:read', sites: 'own' } as const
/** Of an export: what is held of it at a time. */
const bucketsPerChunk = 2_000
/** Each takes its share of the thread that answers everybody, and of the store. */
const exportLimits = { mostOfPrincipal: 2, mostInAll: 8, unreadMs: 60_000, lookAgainMs: 10_000 }
const exportText =
  'With `Accept: text/csv` all of it comes at once, a reading or a bucket a line, however much it is; without `limit` and `cursor` ' +
  'then. When it fails under way the connection is closed. Two at once for each caller, eight in all.'
const nothing: SeriesRead = { kind: 'none', bucket: null }
const defaultFunctions: readonly BucketFunction[] = ['avg']

export function readingRoutes(deps: RouteDeps): Route[] {
  const { inventory, peers, clock } = deps
  const seriesReader = createSeriesReader(deps)
  const json = createSeriesJson()
  const exports = createExports(exportLimits, clock)
  const longRead = { readings: peers.readings, chunkTimeoutMs: deps.answerTimeoutMs }

  /** Undefined: its profile knows the metric, and nothing has come yet. */
  async function seriesOf(now: Inventory, device: DeviceRecord, metric: MetricName) {
    const series = await now.series(device.number, metric)
    if (series !== undefined) return series
    const profile = await now.profile(device.profileId)
    if (profile !== undefined && findMetric(profile, metric) !== undefined) return undefined
    throw new HttpProblem('not_found', `${device.id} has sent no metric ${metric}, and ${device.profileId} has none`)
  }

  function csv(caller: Caller, name: string, chunks: () => AsyncIterable<string>) {
    const file = `${name.replaceAll(/[^\w.-]/g, '_')}.csv`
    return {
      status: 200,
      headers: { 'content-disposition': `attachment; filename="${file}"` },
      stream: { mediaType: csvType, chunks: exports.begin(caller, chunks) },
    } as const
  }

  /** All pages, from the first one to the last. */
  async function* bucketPages(asked: BucketRequest): AsyncGenerator<readonly BucketReading[]> {
    for (let cursor: string | undefined | null; cursor !== null; ) {
      const query = { ...asked.query, limit: bucketsPerChunk, ...(cursor !== undefined && { cursor }) }
      const page = readBuckets(peers.readings, { ...asked, query })
      const { items, nextCursor } = await withDeadline('a chunk of an export', deps.answerTimeoutMs, page)
      yield items
      cursor = nextCursor
      await nextTurn()
    }
  }

  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/devices/{id}/readings',
      tag,
      summary: 'Read one metric of a device, raw or summed up by buckets of time',
      description: exportText,
      policy,
      request: { params: z.strictObject({ id: deviceIdField }), query: readingQuery },
      responses: {
        200: {
          description: 'Readings, or with `bucket` or `maxPoints` buckets; ascending by time',
          schema: readingsPage,
          streams: { [csvType]: z.string() },
        },
      },
      async handler({ params, query, accept }, caller) {
        const { principal } = caller
        const now = await inventory()
        const device = found(visible(principal, await now.device(params.id)), 'device', params.id)
        const series = await seriesOf(now, device, query.metric)
        const { metric, from, to, bucket, maxPoints, fn } = query
        const functions = fn ?? defaultFunctions
        const range = { fromMs: from ?? 0, toMs: to ?? clock.now() + aheadMs }
        const asCsv = preferred(accept, ['application/json', csvType]) === csvType
        if (asCsv) refusePages(query)
        const name = `${device.id}-${metric}`
        if (asCsv && bucket === undefined && maxPoints === undefined)
          return csv(caller, name, () => rawCsv(longRead, series?.seriesId, range))
        const timeZone = async () => found(await now.site(device.siteId), 'site', device.siteId).timeZone
        if (maxPoints !== undefined && from !== undefined) {
          const zoomRange = { fromMs: from, toMs: to ?? clock.now() }
          const one = { seriesId: series?.seriesId, timeZone: await timeZone() }
          const { reads, cache } = await seriesReader.read([one], zoomRange, { maxPoints })
          if (asCsv) {
            const columns = toColumns(reads[0] ?? nothing, functions)
            const item = { device: device.id, metric, unit: null, ...columns }
            return csv(caller, name, () => columnsCsv([item], functions))
          }
          const body: JsonText<ReadingsPage> = new JsonText(json.page(reads[0] ?? nothing, functions))
          return { status: 200, body, ...(cache && { cache }) }
        }
        const size = bucket && `${bucket.count}${bucket.unit}`
        const request = {
          query,
          filter: { device: device.number, metric, from, to, bucket: size, fn: fn?.join() },
          seriesId: series?.seriesId,
          nowMs: clock.now(),
        }
        if (bucket === undefined) return { status: 200, body: await readRaw(peers.readings, request) }
        const asked = { ...request, size: bucket, timeZone: await timeZone() }
        if (asCsv) return csv(caller, name, () => bucketCsv(bucketPages(asked), functions))
        return { status: 200, body: await readBuckets(peers.readings, asked) }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/readings',
      tag,
      summary: 'Read several series at once, raw or summed up by buckets of time',
      description:
        'As columns, for charts. It has no pages: `maxPoints` says how much there is to be, and what would be more than 100,000 ' +
        `values in all is refused. ${exportText}`,
      policy,
      request: { query: seriesQuery },
      responses: {
        200: {
          description: 'By series, in the order in which they were asked for',
          schema: allReadings,
          streams: { [csvType]: z.string() },
        },
      },
      problems: [404],
      async handler({ query, accept }, caller) {
        const { principal } = caller
        const { from, to, bucket, maxPoints, fn } = query
        const functions = fn ?? defaultFunctions
        const asCsv = preferred(accept, ['application/json', csvType]) === csvType
        const now = await inventory()
        const devices = new Map<string, DeviceRecord>()
        for (const { deviceId } of query.series) {
          if (devices.has(deviceId)) continue
          const device = visible(principal, await now.device(deviceId))
          if (device !== undefined) devices.set(deviceId, device)
        }
        const profiles = new Map<string, ProfileRecord | undefined>()
        const timeZones = new Map<string, string>()
        for (const { profileId, siteId } of devices.values()) {
          if (!profiles.has(profileId)) profiles.set(profileId, await now.profile(profileId))
          if (!timeZones.has(siteId)) timeZones.set(siteId, found(await now.site(siteId), 'site', siteId).timeZone)
        }
        const asked = await Promise.all(
          query.series.map(async (name) => {
            const device = devices.get(name.deviceId)
            const profile = device && profiles.get(device.profileId)
            const series = device && (await now.series(device.number, name.metric))
            const metric = profile && findMetric(profile, name.metric)
            if (device === undefined || (series === undefined && metric === undefined)) throw noSeries(name)
            const timeZone = timeZones.get(device.siteId) ?? 'UTC'
            return { ...name, unit: metric?.unit ?? null, seriesId: series?.seriesId, timeZone }
          }),
        )
        const range = { fromMs: from, toMs: to ?? clock.now() }
        const summing = bucket ? { size: bucket } : maxPoints ? { maxPoints } : undefined
        if (asCsv && summing === undefined) return csv(caller, 'readings', () => seriesCsv(longRead, asked, range))
        const { reads, cache } = await seriesReader.read(asked, range, summing)
        const named = asked.map(({ deviceId, metric, unit }, i) => {
          return { name: { device: deviceId, metric, unit }, read: reads[i] ?? nothing }
        })
        if (asCsv) {
          const items = named.map(({ name, read }) => ({ ...name, ...toColumns(read, functions) }))
          return csv(caller, 'readings', () => columnsCsv(items, functions))
        }
        const items = named.map(({ name, read }) => json.columns(name, read, functions))
        const body: JsonText<AllReadings> = new JsonText(`{"items":[${items.join()}]}`)
        return { status: 200, body, ...(cache && { cache }) }
      },
    }),
  ]
}

function refusePages({ limit, cursor }: PageInput): void {
  if (limit !== undefined) throw badParameter('limit', 'is for pages: an export is whole')
  if (cursor !== undefined) throw badParameter('cursor', 'is for pages: an export is whole')
}

/** The same for a device that may not be seen, one that does not exist, and one that has no such metric. */
function noSeries({ deviceId, metric }: NamedSeries): HttpProblem {
  const message = `there is no ${deviceId}/${metric}`
  return new HttpProblem('not_found', `series: ${message}`, { fields: [{ field: 'series', message }] })
}
