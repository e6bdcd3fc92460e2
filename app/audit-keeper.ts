import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Clock } from '../model/index.ts'
import type { State } from '../store/state/index.ts'
import type { AuditCheckpoints } from './audit-checkpoints.ts'

export interface AuditKeeperDeps {
  readonly state: Pick<State, 'trimAudit'> & { readonly audit: Pick<State['audit'], 'head'> }
  readonly checkpoints: AuditCheckpoints
  /** Days that rows are kept; 0: for ever. */
  readonly retentionDays: number
  readonly clock: Clock
  readonly logger: Logger
}

const dayMs = 86_400_000

/**
 * At the start, once a day and at the stop the newest row of the audit log is written down, into a file and into the platform's
 * own log; before it, rows that have served their time go. A failure is logged, and the next day tries again.
 */
export function createAuditKeeper(deps: AuditKeeperDeps): { start(): void; stop(): Promise<void> } {
  const { state, checkpoints, retentionDays, clock, logger } = deps
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let stopped = false

  async function trim(): Promise<void> {
    if (retentionDays === 0) return
    try {
      const beforeMs = clock.now() - retentionDays * dayMs
      let removed = 0
      for (let count = -1; count !== 0 && !stopped; removed += count) {
        count = await state.trimAudit(beforeMs)
        await nextTurn()
      }
      if (removed > 0) logger.info({ removed, retentionDays }, 'audit log trimmed')
    } catch (error) {
      logger.error({ err: error }, 'trim audit log failed')
    }
  }

  async function record(): Promise<void> {
    try {
      const head = await state.audit.head()
      const last = (await checkpoints.list()).at(-1)
      if (head.id === 0 || last?.hash === head.hash) return
      await checkpoints.add(head, clock.now())
      logger.info({ checkpoint: head.hash, row: head.id }, 'audit log checkpoint')
    } catch (error) {
      logger.error({ err: error }, 'write audit checkpoint failed')
    }
  }

  function turn(): void {
    running = trim()
      .then(record)
      .then(() => {
        if (stopped) return
        timer = setTimeout(turn, dayMs)
        timer.unref()
      })
  }

  return {
    start: turn,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
      await record()
    },
  }
}
