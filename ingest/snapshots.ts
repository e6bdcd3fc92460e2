import type { Logger } from 'pino'
import type { LogPosition } from '../store/log/index.ts'
import type { Remembered } from './remember.ts'
import { openSnapshot, sealSnapshot } from './snapshot-file.ts'
import type { SnapshotFiles } from './snapshot-folder.ts'

/** So that one spoilt file is not the end of it. */
const kept = 2

/** What was remembered at a position of the log; the evaluator may have been ahead of it. */
export interface Snapshot extends Remembered {
  readonly position: LogPosition
}

/** What a snapshot must not be beyond. */
export interface SnapshotLimits {
  readonly memory: LogPosition
  readonly evaluator: LogPosition
}

export interface Snapshots {
  /**
   * The newest one that is whole and within the limits. Removes nothing: a start with the wrong stores in place must
   * not cost the right ones their snapshots.
   */
  load(limits: SnapshotLimits): Promise<Snapshot | undefined>
  /** The same of the oldest: from there on the log has everything. */
  loadOldest(limits: SnapshotLimits): Promise<Snapshot | undefined>
  /**
   * Resolves once it is durable, with the position that nothing before is needed of any more, or undefined: all is.
   * What `load` passed over, and what is older than those kept, is removed.
   */
  save(snapshot: Snapshot): Promise<LogPosition | undefined>
}

export interface SnapshotsDeps {
  readonly files: SnapshotFiles
  /** Those of another log are of no use. */
  readonly logId: string
  readonly logger: Logger
}

export function createSnapshots({ files, logId, logger }: SnapshotsDeps): Snapshots {
  /** Not of use to this run: spoilt, or beyond where its stores were. */
  const passedOver = new Set<LogPosition>()

  /** The oldest one kept, when a whole set is there. */
  async function removeOld(): Promise<LogPosition | undefined> {
    const positions = (await files.list()).map(({ position }) => position)
    const useful = positions.filter((position) => !passedOver.has(position))
    for (const position of [...useful.slice(kept), ...passedOver]) await files.remove(position)
    passedOver.clear()
    return useful[kept - 1]
  }

  async function read(position: LogPosition, limits: SnapshotLimits): Promise<Snapshot | undefined> {
    if (position > limits.memory) return undefined
    const remembered = openSnapshot(await files.read(position), { logId, position })
    const judgedPosition = remembered?.evaluator?.position ?? 0
    return remembered === undefined || judgedPosition > limits.evaluator ? undefined : { position, ...remembered }
  }

  return {
    async load(limits) {
      for (const { position } of await files.list()) {
        const snapshot = await read(position, limits)
        if (snapshot !== undefined) return snapshot
        logger.warn({ position, limits }, 'ingest snapshot is passed over')
        passedOver.add(position)
      }
      return undefined
    },

    async loadOldest(limits) {
      for (const { position } of (await files.list()).toReversed()) {
        const snapshot = await read(position, limits)
        if (snapshot === undefined) continue
        passedOver.delete(position)
        return snapshot
      }
      return undefined
    },

    async save({ position, ...remembered }) {
      await files.write(position, sealSnapshot({ logId, position }, remembered))
      passedOver.delete(position)
      return removeOld()
    },
  }
}
