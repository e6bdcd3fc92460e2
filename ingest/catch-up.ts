import { setImmediate as nextTurn } from 'node:timers/promises'
import type { LogReader } from '../store/log/index.ts'
import type { IngestConfig } from './config.ts'
import type { Gatherer } from './gatherer.ts'
import { encodeMemory } from './memory/codec.ts'
import type { Pass } from './pass.ts'
import type { Retry } from './retry.ts'
import { type Beginning, createWalk, type Walk } from './walk.ts'

export interface CatchUpDeps {
  /** The consumer's: whoever gathers reads with it, so that what it has read is what is stored, or about to be. */
  readonly log: LogReader
  readonly gatherer: Gatherer
  readonly retry: Retry
  reopenLog(): LogReader
  createPass(): Pass
}

/**
 * A readings store that lags holds up nobody: the walk at the front of the log goes on and only judges, and a second one
 * gathers what the store takes, from where the first stopped gathering, with a memory as it was there. When it has come
 * to where the first one is, their memories are the same, and the first gathers again.
 */
export interface CatchUp {
  /**
   * Parts the ways; the log's reader belongs to the second walk from then on. Resolves once the front gathers again, or,
   * after `stop`, when what was gathered is stored.
   */
  run(front: Walk, beginning: Beginning): Promise<void>
  stop(): void
  /** What the front reads with while the ways are parted. */
  readonly frontLog: LogReader | undefined
  /** Received time of the newest frame gathered while the ways are parted. */
  readonly gatheredMs: number | undefined
}

export function createCatchUp(config: IngestConfig, deps: CatchUpDeps): CatchUp {
  const { log, gatherer, retry, reopenLog, createPass } = deps
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

  async function run(front: Walk, beginning: Beginning): Promise<void> {
    const remembered = encodeMemory(front.memory)
    gatheredMs = front.memory.nowMs
    front.gathering = false
    const aside = reopenLog()
    frontLog = aside
    try {
      await gatherer.settled()
      const pass = createPass()
      pass.restore(remembered)
      const walk = createWalk(pass, gatherer, undefined)
      walk.start(beginning)
      await handOver(walk)
      await follow(front, walk)
      if (walk.position === front.position) front.gathering = true
      else await gatherer.finish(walk.position, walk.memory)
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
