import { sql } from 'kysely'
import type { MetricName, SeriesId } from '../../../model/index.ts'
import type { SeriesInfo } from '../../readings/index.ts'
import { lastNumber, takeNumber } from '../counters.ts'
import { toPage } from '../page.ts'
import { prepared } from '../prepared.ts'
import type { Db, StateSchema } from '../schema.ts'
import type { SeriesRegistry } from '../state.ts'

export function seriesRegistry(reader: Db, writer: Db): SeriesRegistry {
  const series = reader.selectFrom('series').selectAll()
  const ofMetric = prepared(reader, (deviceNumber: number, metric: MetricName) =>
    series.where('device_number', '=', deviceNumber).where('metric', '=', metric),
  )
  const ofDevice = prepared(reader, (deviceNumber: number, after: SeriesId, limit: number) =>
    series.where('device_number', '=', deviceNumber).where('id', '>', after).orderBy('id').limit(limit),
  )
  const all = prepared(reader, (after: SeriesId, limit: number) =>
    series.where('id', '>', after).orderBy('id').limit(limit),
  )

  return {
    async ensure(requests) {
      const found = await Promise.all(requests.map((request) => findSeries(reader, request)))
      if (!found.includes(undefined)) return found.filter((series) => series !== undefined)
      // Anew inside the transaction: another thread may have made some of them in between.
      return writer.transaction().execute(async (tx) => {
        const series: SeriesInfo[] = []
        for (const request of requests) {
          const known = await findSeries(tx, request)
          const made = known ?? { ...request, seriesId: await takeNumber(tx, 'series') }
          if (known === undefined) await tx.insertInto('series').values(toRow(made)).execute()
          series.push(made)
        }
        return series
      })
    },

    async get(id) {
      const row = await reader.selectFrom('series').selectAll().where('id', '=', id).executeTakeFirst()
      return row && toSeries(row)
    },

    async find(deviceNumber, metric) {
      const [row] = await ofMetric(deviceNumber, metric)
      return row && toSeries(row)
    },

    async list({ deviceNumber, limit, after = 0 }) {
      const rows = await (deviceNumber === undefined ? all(after, limit + 1) : ofDevice(deviceNumber, after, limit + 1))
      return toPage(rows, limit, { item: toSeries, cursor: (row) => row.id })
    },

    async ofSite({ siteId, metrics, assetId, profileId, limit, after }) {
      let query = reader
        .selectFrom('devices')
        .innerJoin('series', 'series.device_number', 'devices.number')
        .select(['series.id as seriesId', 'series.metric', 'devices.id as deviceId', 'devices.profile_id as profileId'])
        .where('devices.site_id', '=', siteId)
        .orderBy('devices.id')
        .orderBy('series.metric')
        .limit(limit + 1)
      if (metrics !== undefined) query = query.where('series.metric', 'in', metrics)
      if (assetId !== undefined) query = query.where('devices.asset_id', '=', assetId)
      if (profileId !== undefined) query = query.where('devices.profile_id', '=', profileId)
      if (after !== undefined)
        query = query.where((eb) =>
          eb.or([
            eb(sql.ref<string>('devices.id'), '>', after.device),
            eb.and([
              eb(sql.ref<string>('devices.id'), '=', after.device),
              eb(sql.ref<string>('series.metric'), '>', after.metric),
            ]),
          ]),
        )
      const rows = await query.execute()
      return toPage(rows, limit, {
        item: (row) => row,
        cursor: (row) => ({ device: row.deviceId, metric: row.metric }),
      })
    },

    async highest() {
      const [device, series] = await Promise.all([lastNumber(reader, 'device'), lastNumber(reader, 'series')])
      return { device, series }
    },
  }
}

async function findSeries(
  db: Db,
  { deviceNumber, metric }: Pick<SeriesInfo, 'deviceNumber' | 'metric'>,
): Promise<SeriesInfo | undefined> {
  const row = await db
    .selectFrom('series')
    .selectAll()
    .where('device_number', '=', deviceNumber)
    .where('metric', '=', metric)
    .executeTakeFirst()
  return row && toSeries(row)
}

function toSeries(row: StateSchema['series']): SeriesInfo {
  return {
    seriesId: row.id,
    deviceId: row.device_id,
    deviceNumber: row.device_number,
    metric: row.metric,
    profileId: row.profile_id,
    known: row.known === 1,
  }
}

function toRow(series: SeriesInfo): StateSchema['series'] {
  return {
    id: series.seriesId,
    device_id: series.deviceId,
    device_number: series.deviceNumber,
    metric: series.metric,
    profile_id: series.profileId,
    known: series.known ? 1 : 0,
  }
}
