import type { IngestStats } from '../ingest/index.ts'
import type { LogPosition, LogStats } from '../store/log/index.ts'

/**
 * How far a consumer of the log really is, for one that tells it. What it has released is less: ingest lets go only of
 * what its oldest snapshot no longer needs, which is seconds behind.
 */
export function consumerProgress(
  name: string,
  log: LogStats,
  ingest: IngestStats | undefined,
): { readonly position: LogPosition; readonly lag: number } | undefined {
  if (name !== 'ingest' || ingest === undefined) return undefined
  return { position: ingest.position, lag: Math.max(0, log.durable - ingest.position) }
}
