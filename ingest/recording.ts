import type { LogPosition } from '../store/log/index.ts'
import type { Evaluator } from './ports.ts'
import type { Retry } from './retry.ts'

/** Effects that may wait to be recorded; beyond that the log waits. */
const mostPending = 10_000

export interface RecordingDeps {
  readonly evaluator: Evaluator | undefined
  readonly retry: Retry
  /** How far the evaluator has come. */
  judgedPosition(): LogPosition
  /** Called once, when recording failed for good. */
  onFailure(error: unknown): void
}

/** Has what the evaluator makes recorded, at once and in the background: it waits for no batch and no readings store. */
export interface Recording {
  /** How far it is recorded. Once, before anything else. */
  resume(recorded: LogPosition): void
  /** Sees to it that what is pending is recorded. Waits only while too much is. */
  record(): Promise<void>
  /** Resolves once everything up to `position`, which has been judged, is recorded. */
  upTo(position: LogPosition): Promise<void>
  /** Resolves once nothing is pending. */
  finish(): Promise<void>
  /** Resolves once nothing is being recorded, whatever became of it. */
  settled(): Promise<void>
}

export function createRecording({ evaluator, retry, judgedPosition, onFailure }: RecordingDeps): Recording {
  let recorded: LogPosition = 0
  let running: Promise<void> | undefined

  async function commit(judge: Evaluator): Promise<void> {
    const position = judgedPosition()
    await retry.run('record transitions', () => judge.commit(position))
    recorded = position
  }

  /** One commit at a time. */
  function run(judge: Evaluator): Promise<void> {
    running ??= commit(judge).finally(() => {
      running = undefined
    })
    return running
  }

  async function runWhilePending(judge: Evaluator): Promise<void> {
    while (judge.pending > 0) await run(judge)
  }

  return {
    resume(position) {
      recorded = position
    },
    async record() {
      if (evaluator === undefined || evaluator.pending === 0) return
      if (running === undefined) runWhilePending(evaluator).catch(onFailure)
      while (evaluator.pending >= mostPending) await run(evaluator)
    },
    async finish() {
      if (evaluator !== undefined) await runWhilePending(evaluator)
    },
    async settled() {
      while (running !== undefined) await running.catch(() => {})
    },
    async upTo(position) {
      while (evaluator !== undefined && recorded < position) await run(evaluator)
    },
  }
}
