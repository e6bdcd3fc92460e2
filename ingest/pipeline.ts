import { setImmediate as nextTurn } from 'node:timers/promises'
import { AppError, FrameCursor, frameKind } from '../model/index.ts'
import type { LogPosition, LogReader, LogSlice } from '../store/log/index.ts'
import type { Positions } from './committer.ts'
import type { IngestConfig } from './config.ts'
import type { Gatherer } from './gatherer.ts'
import type { Retry } from './retry.ts'
import type { Step } from './step.ts'

/** Bytes of log taken before others have their turn: one to two milliseconds of work, ten where nothing is usual. */
const turnBytes = 128 * 1024

export interface PipelineDeps {
  readonly log: LogReader
  readonly gatherer: Gatherer
  readonly retry: Retry
  /** Takes one frame into the memory, and what is to be stored into the step's effects. */
  handle(step: Step): void
}

export interface Pipeline {
  /**
   * Reads the log from `from` on until it is told to stop; then stores what was gathered, and the memory. `stored` is
   * how far the stores had come: what lies before only restores the memory. Rejects when it cannot go on. Once.
   */
  run(from: LogPosition, stored: Positions): Promise<void>
  stop(): void
}

/**
 * log → decode → validate → dedupe → store → position. While one batch is being stored the next is gathered; when that
 * is full too, the log waits.
 */
export function createPipeline(config: IngestConfig, { log, gatherer, retry, handle }: PipelineDeps): Pipeline {
  const frame = new FrameCursor()
  const step = { frame, effects: gatherer.effects, newReadings: false, newRejections: false }
  /** Frames up to here are in the memory; what they amount to is gathered or stored. */
  let position: LogPosition = 0
  let stopping = false
  let wakeUp = () => {}

  async function run(from: LogPosition, stored: Positions): Promise<void> {
    position = from
    gatherer.start(from)
    try {
      while (!stopping) {
        const slice = await retry.run('read the log', () => log.read(position, config.sliceBytes))
        if (slice.bytes.length > 0) await take(slice, stored)
        else await waitForMore()
        await gatherer.commitIfDue(position)
      }
      await gatherer.finish(position)
    } finally {
      gatherer.stop()
    }
  }

  async function take(slice: LogSlice, stored: Positions): Promise<void> {
    frame.reset(slice.bytes)
    let turnEnd = turnBytes
    while (frame.next()) {
      position = slice.start + frame.end
      step.effects = gatherer.effects
      step.newReadings = position > stored.readings
      step.newRejections = position > stored.ledger
      handle(step)
      if (frame.kind !== frameKind.tick) gatherer.noteEvent()
      if (gatherer.full) await gatherer.commit(position)
      if (frame.end < turnEnd) continue
      turnEnd = frame.end + turnBytes
      await nextTurn()
      if (stopping) return
      await gatherer.commitIfDue(position)
    }
    if (frame.end !== slice.bytes.length)
      throw new AppError('log_failed', `read the log failed: no whole frame at ${slice.start + frame.end}`)
    position = slice.end
  }

  /** Until the log has more, a commit is due, or it is time to stop. */
  async function waitForMore(): Promise<void> {
    const wake = new AbortController()
    wakeUp = () => wake.abort()
    gatherer.onDue(wakeUp)
    if (stopping) wakeUp()
    const idle = gatherer.effects.empty ? undefined : setTimeout(() => gatherer.hurry(), config.idleCommitMs)
    await log.waitForMore(position, wake.signal)
    clearTimeout(idle)
  }

  return {
    run,
    stop() {
      stopping = true
      wakeUp()
    },
  }
}
