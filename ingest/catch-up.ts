import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger } from 'pino'
import { AppError, isAppError } from '../model/index.ts'
import type { LogReader } from '../store/log/index.ts'
import type { Committer } from './committer.ts'
import type { IngestConfig } from './config.ts'
import type { Gatherer } from './gatherer.ts'
import { encodeMemory } from './memory/codec.ts'
import type { Pass } from './pass.ts'
import type { Retry } from './retry.ts'
import type { Snapshots } from './snapshots.ts'
import { type Beginning, createWalk, type Walk } from './walk.ts'

export interface CatchUpDeps {
  /** The consumer's: whoever gathers reads with it, so that what it has read is what is stored, or about to be. */
  readonly log: LogReader
  readonly gatherer: Gatherer
  readonly committer: Committer
  readonly snapshots: Snapshots
  readonly retry: Retry
  readonly logger: Logger
  reopenLog(): LogReader
  createPass(): Pass
}

/** Why the ways part: the store takes its time; or it has lost what it had, and takes again what the log still has. */
export type Parting = 'slow' | 'emptied'

/**
 * A readings store that lags holds up nobody: the walk at the front of the log goes on and only judges, and a second one
 * gathers what the store takes, from where the first stopped gathering, with a memory as it was there; or, when the
 * store was emptied, from the oldest snapshot. When it has come to where the first one is, their memories are the same, and the
 * first gathers again.
 */
export interface CatchUp {
  /**
   * Parts the ways; the log's reader belongs to the second walk from then on. Resolves once the front gathers again, or,
   * after `stop`, when what was gathered is stored.
   */
  run(front: Walk, beginning: Beginning, why: Parting): Promise<void>
  stop(): void
  /** What the front reads with while the ways are parted. */
  readonly frontLog: LogReader | undefined
  /** Received time of the newest frame gathered while the ways are parted. */
  readonly gatheredMs: number | undefined
}

/** The store no longer has what was written to it. */
export function isEmptied(error: unknown): boolean {
  return isAppError(error, 'store_emptied')
}

export function createCatchUp(config: IngestConfig, deps: CatchUpDeps): CatchUp {
  const { log, gatherer, committer, snapshots, retry, logger, reopenLog, createPass } = deps
  let stopping = false
  let frontLog: LogReader | undefined
  let gatheredMs: number | undefined

  /** As soon as the store has taken the batch that was full. */
  async function handOver(walk: Walk): Promise<void> {
    if (gatherer.full) await gatherer.settled()
    gatherer.commitIfDue(walk.position, walk.memory)
    gatheredMs = walk.memory.nowMs
  }

  /** Resolves once the walk is where the front is. */
  async function follow(front: Walk, walk: Walk): Promise<void> {
    while (!stopping && walk.position < front.position) {
      const slice = await retry.run('read the log again', () => log.read(walk.position, config.sliceBytes))
      walk.enter(slice)
      for (let more = true; more && !stopping; ) {
        more = walk.takeTurn(front.position)
        // At once: by the next turn the front has gone on.
        if (walk.position === front.position) return
        await handOver(walk)
        await nextTurn()
      }
    }
  }

  function walkFrom(memory: Uint8Array | undefined, beginning: Beginning): Walk {
    const pass = createPass()
    if (memory !== undefined) pass.restore(memory)
    const walk = createWalk(pass, gatherer, undefined)
    walk.start(beginning)
    return walk
  }

  /** As far back as there is both a memory and the log. */
  async function goBack(): Promise<Walk> {
    const limits = { memory: Number.POSITIVE_INFINITY, evaluator: Number.POSITIVE_INFINITY }
    const snapshot = await retry.run('read a snapshot', () => snapshots.loadOldest(limits))
    const position = snapshot?.position ?? 0
    if (snapshot === undefined && log.stats().tail > 0)
      throw new AppError('store_failed', 'store readings again failed: no snapshot is whole, and the log begins later')
    gatherer.startOver(position)
    const stored = committer.goBack(position)
    const walk = walkFrom(snapshot?.memory, { position, stored, judged: 0 })
    const since = new Date(walk.memory.nowMs).toISOString()
    logger.warn({ position, since }, 'readings store has lost what it had; what the log still has is stored again')
    return walk
  }

  async function second(front: Walk, beginning: Beginning, why: Parting): Promise<Walk> {
    if (why === 'emptied') return goBack()
    // Before the front goes on.
    const memory = encodeMemory(front.memory)
    await gatherer.settled()
    return walkFrom(memory, beginning)
  }

  async function join(front: Walk, walk: Walk): Promise<void> {
    await handOver(walk)
    await follow(front, walk)
    if (walk.position === front.position) front.gathering = true
    else await gatherer.finish(walk.position, walk.memory)
  }

  async function run(front: Walk, beginning: Beginning, why: Parting): Promise<void> {
    gatheredMs = front.memory.nowMs
    front.gathering = false
    const aside = reopenLog()
    frontLog = aside
    try {
      let reason = why
      for (let joined = false; !joined; ) {
        try {
          await join(front, await second(front, beginning, reason))
          joined = true
        } catch (error) {
          if (!isEmptied(error)) throw error
          // Where it begins anew is for the next start to find.
          if (stopping) return
          reason = 'emptied'
        }
      }
    } finally {
      gatheredMs = frontLog = undefined
      await aside.close()
    }
  }

  return {
    run,
    stop() {
      stopping = true
    },
    get frontLog() {
      return frontLog
    },
    get gatheredMs() {
      return gatheredMs
    },
  }
}
