export type {
  IngestQueries,
  IngestStats,
  LatestColumns,
  Presence,
  RejectedMessage,
  RejectReason,
} from './ports.ts'
export { rejectReasons } from './ports.ts'
