export { type CheckTelemetry, createTelemetryCheck, type TelemetryFault } from './check-telemetry.ts'
export { type IngestConfig, ingestConfigSchema } from './config.ts'
export { createIngest, type Ingest, type IngestDeps } from './ingest.ts'
export {
  type DeviceInfo,
  type DeviceWatch,
  type Evaluator,
  type IngestLedger,
  type IngestQueries,
  type IngestSeries,
  type IngestStats,
  type LatestColumns,
  type LiveColumns,
  type LiveName,
  type LiveNews,
  type LiveQueries,
  type LiveSelection,
  type MessageFate,
  type MessagesSeen,
  type MessageView,
  messageFates,
  type Presence,
  type PresenceChange,
  type RejectedMessage,
  type RejectReason,
  rejectReasons,
} from './ports.ts'
export { createSeriesNames, type SeriesNames } from './series-names.ts'
export { createSnapshotFolder, type SnapshotFile, type SnapshotFiles } from './snapshot-folder.ts'
