import {
  parseDeviceId,
  parseMetricName,
  parseProfileId,
  type ReadingBatch,
  ReadingBatchBuilder,
} from '../../../model/index.ts'
import type { SeriesCatalog, SeriesInfo } from '../../../store/readings/index.ts'

export interface TestCatalog extends SeriesCatalog {
  /** Ids count from 1 in the order of the calls. */
  add(deviceNumber: number, metric: string, of: { readonly profile: string; readonly known: boolean }): number
}

export function createTestCatalog(): TestCatalog {
  const series: SeriesInfo[] = []
  return {
    get: (seriesId) => series[seriesId - 1],
    add: (deviceNumber, metric, { profile, known }) => {
      const seriesId = series.length + 1
      series.push({
        seriesId,
        deviceId: parseDeviceId(`device-${deviceNumber}`),
        deviceNumber,
        metric: parseMetricName(metric),
        profileId: parseProfileId(profile),
        known,
      })
      return seriesId
    },
  }
}

/** A reading as tests write it down. */
export interface TestReading {
  readonly series: number
  readonly at: number
  readonly value: number
  readonly quality?: 0 | 1 | 2 | 3
  readonly received?: number
  readonly deviceTime?: number
}

export function batchOf(...readings: readonly TestReading[]): ReadingBatch {
  const batch = new ReadingBatchBuilder(Math.max(1, readings.length))
  for (const { series, at, value, quality = 0, received = at + 40, deviceTime = Number.NaN } of readings)
    batch.push(series, at, value, quality, received, deviceTime)
  return batch
}
