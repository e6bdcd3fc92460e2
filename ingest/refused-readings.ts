import { nativeTopic, type ReadingBatch } from '../model/index.ts'
import type { RefusedReading, SeriesCatalog, SeriesInfo } from '../store/readings/index.ts'
import type { Counters } from './counters.ts'
import type { RejectedMessage } from './ports.ts'

/** Entries listed of one batch; the rest is counted. */
const listedAtOnce = 1_000
const payloadKept = 4_096
const detailKept = 500

export interface RefusedDeps {
  readonly series: Pick<SeriesCatalog, 'get'>
  readonly counters: Counters
}

interface Refused {
  readonly device: SeriesInfo
  readonly timeMs: number
  readonly receivedMs: number
  readonly reason: string
  readonly values: Record<string, number>
}

/**
 * What the readings store will never take, as it goes into the rejected list: an entry per device and time, with a payload
 * that can be sent again as it is once the reason is gone.
 */
export function listRefused(
  batch: ReadingBatch,
  refused: readonly RefusedReading[],
  { series, counters }: RefusedDeps,
): readonly RejectedMessage[] {
  const entries = [...groupByRow(batch, refused, series).values()]
  counters.rejected.store_refused += entries.length
  counters.rejectedUnlisted += Math.max(0, entries.length - listedAtOnce)
  return entries.slice(0, listedAtOnce).map(({ device, timeMs, receivedMs, reason, values }) => ({
    timeMs: receivedMs,
    deviceId: device.deviceId,
    clientId: '',
    topic: nativeTopic.telemetry(device.deviceId),
    reason: 'store_refused',
    detail: reason.slice(0, detailKept),
    payload: Buffer.from(JSON.stringify({ ts: timeMs, values })).subarray(0, payloadKept),
  }))
}

function groupByRow(
  batch: ReadingBatch,
  refused: readonly RefusedReading[],
  series: Pick<SeriesCatalog, 'get'>,
): ReadonlyMap<string, Refused> {
  const rows = new Map<string, Refused>()
  for (const { index, reason } of refused) {
    const device = series.get(batch.seriesIds[index] ?? 0)
    if (device === undefined) continue
    const timeMs = batch.timesMs[index] ?? 0
    const key = `${device.deviceNumber} ${timeMs}`
    const row = rows.get(key) ?? { device, timeMs, receivedMs: batch.receivedMs[index] ?? 0, reason, values: {} }
    row.values[device.metric] = batch.values[index] ?? 0
    rows.set(key, row)
  }
  return rows
}
