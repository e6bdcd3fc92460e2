import {
  type DeviceId,
  type MetricName,
  type ProfileId,
  type ReadingBatch,
  ReadingBatchBuilder,
} from '../../../model/index.ts'
import type { SeriesCatalog, SeriesInfo } from '../../../store/readings/index.ts'

export interface TestCatalog extends SeriesCatalog {
  /**
   * Ids count from 1 in the order of the calls. A store is no judge of names: they may be such as no parser lets pass.
   * The device is `device-` and its number, unless it is named.
   */
  add(deviceNumber: number, metric: string, of: SeriesOf): number
}

export interface SeriesOf {
  readonly profile: string
  readonly known: boolean
  readonly device?: string
}

export function createTestCatalog(): TestCatalog {
  const series: SeriesInfo[] = []
  return {
    get: (seriesId) => series[seriesId - 1],
    bearersOf: (deviceId) => {
      const numbers = series.filter((info) => info.deviceId === deviceId).map((info) => info.deviceNumber)
      return [...new Set(numbers)].sort((a, b) => a - b)
    },
    add: (deviceNumber, metric, { profile, known, device = `device-${deviceNumber}` }) => {
      const seriesId = series.length + 1
      series.push({
        seriesId,
        deviceId: device as DeviceId,
        deviceNumber,
        metric: metric as MetricName,
        profileId: profile as ProfileId,
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
