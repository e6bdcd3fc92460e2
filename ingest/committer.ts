import type { ReadingBatch } from '../model/index.ts'
import type { LogPosition, LogReader } from '../store/log/index.ts'
import type { ReadingStore, RefusedReading, SeriesCatalog } from '../store/readings/index.ts'
import type { Counters } from './counters.ts'
import type { Effects } from './effects.ts'
import type { IngestLedger } from './ports.ts'
import type { Recording } from './recording.ts'
import { listRefused } from './refused-readings.ts'
import type { Remembered } from './remember.ts'
import type { Retry } from './retry.ts'
import type { SeriesNaming } from './series-naming.ts'
import type { Snapshots } from './snapshots.ts'

/** The log's consumer, and the ledger's. */
export const consumerName = 'ingest'

export interface CommitterDeps {
  readonly log: LogReader
  readonly readings: ReadingStore
  readonly ledger: IngestLedger
  readonly recording: Recording
  readonly naming: SeriesNaming
  readonly snapshots: Snapshots
  readonly retry: Retry
  readonly series: Pick<SeriesCatalog, 'get'>
  readonly counters: Counters
}

/** How far the effects of the log are stored. */
export interface Positions {
  readonly readings: LogPosition
  readonly ledger: LogPosition
}

/** What is stored together: all effects up to `position`; with `remembered`, a checkpoint. */
export interface Commit {
  readonly effects: Effects
  readonly position: LogPosition
  readonly remembered: Remembered | undefined
}

/**
 * Stores effects in the background, one commit at a time and in order, while the next ones are gathered. Each store
 * takes its own position in the transaction of its effects, so after a crash each goes on where it was; a store that is
 * ahead of what is read again is left alone.
 */
export interface Committer {
  /** How far the stores are. Once, before the first commit. `join` is done before the first readings are stored. */
  resume(stored: Positions, join?: () => Promise<void>): void
  /** The readings store has lost what came after `position`; resolves with where the stores are now. Not during a commit. */
  goBack(position: LogPosition): Positions
  /** Rejects when the commit failed for good; resolves once everything is durable. Not while one is running. */
  commit(commit: Commit): Promise<void>
}

export function createCommitter(deps: CommitterDeps): Committer {
  const { log, readings, ledger, recording, naming, snapshots, retry } = deps
  let stored: Positions = { readings: 0, ledger: 0 }
  let join: (() => Promise<void>) | undefined

  async function storeReadings(batch: ReadingBatch, position: LogPosition): Promise<readonly RefusedReading[]> {
    const outcome = await retry.run('store readings', async () => {
      await join?.()
      join = undefined
      return readings.write(batch, position)
    })
    return outcome.refused
  }

  return {
    resume(positions, joinFirst) {
      stored = positions
      join = joinFirst
    },

    goBack(position) {
      join = undefined
      stored = { ...stored, readings: position }
      return stored
    },

    async commit({ effects, position, remembered }) {
      const { batch, unnamed } = effects
      let { rejected } = effects
      if (unnamed.length > 0) await retry.run('name series', () => naming.name(unnamed))
      naming.replaceProvisional(batch)
      if (position > stored.readings && (batch.length > 0 || remembered !== undefined)) {
        const refused = await storeReadings(batch, position)
        stored = { ...stored, readings: position }
        if (refused.length > 0) rejected = [...rejected, ...listRefused(batch, refused, deps)]
      }
      if (position > stored.ledger && (rejected.length > 0 || remembered !== undefined)) {
        await retry.run('list rejected messages', () => ledger.commit(consumerName, position, rejected))
        stored = { ...stored, ledger: position }
      }
      if (remembered === undefined) return
      if (remembered.evaluator !== undefined) await recording.upTo(remembered.evaluator.position)
      const oldest = await retry.run('save snapshot', () => snapshots.save({ position, ...remembered }))
      if (oldest !== undefined) log.release(consumerName, oldest)
    },
  }
}
