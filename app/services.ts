import type { BrokerQueries, ControlLog } from '../api/index.ts'
import type { IngestQueries, LiveQueries } from '../ingest/index.ts'
import type { DeviceId } from '../model/index.ts'
import type { LogPosition } from '../store/log/index.ts'
import type { MarkedStore } from '../store/readings/index.ts'
import type { SecretUse } from '../store/state/index.ts'
import type { PackedMarks } from './packed-marks.ts'

/** What threads answer each other over ports; the lists name the methods, because a port carries no types. */

/** Of the ingest thread: its memory, and the readings, whose file it alone has open. */
export type IngestService = IngestQueries &
  PackedMarks &
  Pick<MarkedStore, 'range' | 'buckets'> & {
    readonly storeStats: MarkedStore['stats']
    readonly liveNews: LiveQueries['news']
    readonly liveLatest: LiveQueries['latest']
    readonly liveReplay: LiveQueries['replay']
    readonly liveNames: LiveQueries['names']
  }
export const ingestMethods = [
  'presence',
  'latest',
  'messages',
  'stats',
  'range',
  'buckets',
  'packedBuckets',
  'packedRanges',
  'storeStats',
  'liveNews',
  'liveLatest',
  'liveReplay',
  'liveNames',
] as const

/** Of the main thread: the broker, and the log, whose only writer it is. */
export type BrokerService = BrokerQueries & {
  readonly appendControl: ControlLog['append']
  readonly logStats: ControlLog['stats']
  /** Appends telemetry of a device that has no connection: the platform itself. Resolves once it is on disk. */
  readonly appendTelemetry: (deviceId: DeviceId, payload: Uint8Array) => Promise<LogPosition>
  /** Secrets that were used over MQTT since the last call. */
  readonly takeUses: () => Promise<readonly SecretUse[]>
}
export const brokerMethods = [
  'status',
  'disconnect',
  'connections',
  'appendControl',
  'logStats',
  'appendTelemetry',
  'takeUses',
  'push',
  'refusePush',
] as const
