import type { Registry } from 'prom-client'
import type { CheckTelemetry } from '../ingest/index.ts'
import type { Clock } from '../model/index.ts'
import type { Cache } from '../store/cache/index.ts'
import type { AuditCheckpoint, State } from '../store/state/index.ts'
import type { PeopleAccess } from './auth/people-access.ts'
import type { Changes } from './changes.ts'
import type { OpenPage } from './config.ts'
import type { Inventory } from './inventory.ts'
import type { Hub } from './live/hub.ts'
import type { LiveStreams } from './live-streams.ts'
import type { ApiPeers, ValidateRule } from './ports.ts'

/** What routes are made of. They read state directly and write only through `changes`. */
export interface RouteDeps {
  readonly state: Omit<State, 'change' | 'close'>
  /** The records that questions about readings need, kept while they do not change. */
  readonly inventory: () => Promise<Inventory>
  readonly changes: Changes
  readonly peers: ApiPeers
  readonly people: PeopleAccess
  readonly live: LiveStreams
  readonly hub: Pick<Hub, 'open'>
  /** Of this state and this start of the platform alone. */
  readonly cache: Cache
  readonly validateRule: ValidateRule
  readonly checkTelemetry: CheckTelemetry
  /** The newest audit entries of earlier times, as they were written down beside the database. */
  recordedCheckpoints(): Promise<readonly AuditCheckpoint[]>
  readonly registry: Registry
  readonly clock: Clock
  readonly peerTimeoutMs: number
  /** What needs neither key nor session. */
  readonly anonymous: readonly OpenPage[]
  /** Time that an answer may take, and each part of one that goes on. */
  readonly answerTimeoutMs: number
  readonly version: string
}
