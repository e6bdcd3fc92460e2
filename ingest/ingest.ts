import type { Logger } from 'pino'
import type { Clock, TopicRules } from '../model/index.ts'
import type { LogReader } from '../store/log/index.ts'
import type { ReadingStore } from '../store/readings/index.ts'
import type { IngestConfig } from './config.ts'
import type { IngestLedger, IngestQueries } from './ports.ts'
import type { SeriesNames } from './series-names.ts'
import type { SnapshotFiles } from './snapshot-folder.ts'

export interface IngestDeps {
  /** Consumer name `ingest`. */
  readonly log: LogReader
  /** Opened by `start`; the caller closes it after `stop`. */
  readonly readings: ReadingStore
  readonly series: SeriesNames
  readonly ledger: IngestLedger
  readonly snapshots: SnapshotFiles
  readonly topics: TopicRules
  /** Only for the age of what waits; what becomes of a message is a function of the log. */
  readonly clock: Clock
  readonly logger: Logger
  /** Called once, when ingest cannot go on: the process should end, a new one resumes from the log. */
  onFailure(error: Error): void
}

export interface Ingest {
  /** Resolves once the memory is loaded and reading has begun. Rejects when log, stores and snapshots do not fit together. */
  start(): Promise<void>
  /** Stores what was decoded and the memory, bounded by `stopTimeoutMs`; what is left waits in the log. */
  stop(): Promise<void>
  readonly queries: IngestQueries
}

export type CreateIngest = (config: IngestConfig, deps: IngestDeps) => Ingest
