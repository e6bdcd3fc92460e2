import { AppError, isAppError } from '../../../model/index.ts'
import type { LogPosition } from '../message-log.ts'

export interface QueuedBatch {
  readonly frames: Uint8Array
  readonly firstReceivedMs: number
  readonly lastReceivedMs: number
}

interface Waiting extends QueuedBatch {
  readonly resolve: (end: LogPosition) => void
  readonly reject: (error: AppError) => void
}

/** Makes the batches durable as one commit; the position before the first of them. */
export type WriteCommit = (batches: readonly QueuedBatch[], bytes: number) => Promise<LogPosition>

/**
 * Group commit: while one commit is on its way to the disk the next gathers; when idle a batch goes at once. Promises
 * settle in the order of the calls, and when a commit fails, all that wait fail with it: nobody overtakes.
 */
export interface CommitQueue {
  append(batch: QueuedBatch): Promise<LogPosition>
  /** Resolves when nothing waits any more. */
  drained(): Promise<void>
}

export function createCommitQueue(write: WriteCommit, groupBytes: number): CommitQueue {
  const queue: Waiting[] = []
  let running: Promise<void> | undefined

  const nextGroup = (): { readonly group: readonly Waiting[]; readonly bytes: number } => {
    let count = 0
    let bytes = 0
    for (const { frames } of queue) {
      if (count > 0 && bytes + frames.length > groupBytes) break
      bytes += frames.length
      count++
    }
    return { group: queue.splice(0, count), bytes }
  }

  const run = async (): Promise<void> => {
    while (queue.length > 0) {
      const { group, bytes } = nextGroup()
      try {
        let end = await write(group, bytes)
        for (const { frames, resolve } of group) {
          end += frames.length
          resolve(end)
        }
      } catch (cause) {
        const error = isAppError(cause) ? cause : new AppError('log_failed', 'append to log failed', { cause })
        for (const { reject } of [...group, ...queue.splice(0)]) reject(error)
      }
    }
    // In the same step as the look at the queue, so that no append falls between the two.
    running = undefined
  }

  return {
    append(batch) {
      return new Promise((resolve, reject) => {
        queue.push({ ...batch, resolve, reject })
        running ??= run()
      })
    },
    drained: () => running ?? Promise.resolve(),
  }
}
