import { setImmediate as nextTurn } from 'node:timers/promises'
import { AppError, FrameCursor, frameKind } from '../model/index.ts'
import type { LogPosition, LogReader, LogSlice } from '../store/log/index.ts'
import type { Committer, Positions } from './committer.ts'
import type { IngestConfig } from './config.ts'
import { Effects } from './effects.ts'
import { encodeMemory } from './memory/codec.ts'
import type { Memory } from './memory/memory.ts'
import type { Retry } from './retry.ts'
import type { SeriesNaming } from './series-naming.ts'
import type { Step } from './step.ts'

/** Bytes of log taken before others have their turn: one to two milliseconds of work, ten where nothing is usual. */
const turnBytes = 128 * 1024
/** Rejected messages, each up to 5 KiB, that are listed at once. */
const rejectedAtOnce = 1000

export interface PipelineDeps {
  readonly log: LogReader
  readonly memory: Memory
  readonly naming: SeriesNaming
  readonly committer: Committer
  readonly retry: Retry
  /** Takes one frame into the memory and into the step's effects. */
  handle(step: Step): void
}

export interface Pipeline {
  /**
   * Reads the log from `position` on until it is told to stop; then stores what was gathered, and the memory. Rejects
   * when it cannot go on. Once.
   */
  run(position: LogPosition): Promise<void>
  stop(): void
  /** Everything up to here is stored. */
  readonly position: LogPosition
  /** Readings decoded and not stored yet. */
  readonly waiting: number
}

/**
 * log → decode → validate → dedupe → store → position. While one batch is being stored the next is gathered; when that
 * is full too, the log waits.
 */
export function createPipeline(config: IngestConfig, deps: PipelineDeps): Pipeline {
  const { log, memory, naming, committer, retry, handle } = deps
  const done: Positions = committer.positions
  const frame = new FrameCursor()

  /** Frames up to here are in the memory and in `gathered` or stored. */
  let position: LogPosition = 0
  let storedPosition: LogPosition = 0
  let gathered = new Effects()
  let spare = new Effects()
  const step = { frame, effects: gathered, newReadings: false, newRejections: false }
  let storing: Promise<void> | undefined
  let failure: unknown

  let commitTimer: NodeJS.Timeout | undefined
  let commitDue = false
  let checkpointDue = false
  let checkpointAt: LogPosition = 0
  /** Size of the memory at the last checkpoint. */
  let memoryBytes = 0
  /** Whether anything but ticks came since the last checkpoint. */
  let eventful = false
  let stopping = false
  let wakeUp = () => {}

  async function run(from: LogPosition): Promise<void> {
    position = storedPosition = checkpointAt = from
    const checkpoints = setInterval(() => {
      checkpointDue ||= eventful
      wakeUp()
    }, config.checkpointMs)
    try {
      while (!stopping) {
        const slice = await retry.run('read the log', () => log.read(position, config.sliceBytes))
        if (slice.bytes.length > 0) await take(slice)
        else await waitForMore()
        await commitWhatIsDue()
      }
      if (!gathered.empty || position !== checkpointAt) await commit('with memory')
      await storing
      if (failure !== undefined) throw failure
    } finally {
      clearInterval(checkpoints)
      clearTimeout(commitTimer)
    }
  }

  async function take(slice: LogSlice): Promise<void> {
    frame.reset(slice.bytes)
    let turnEnd = turnBytes
    while (frame.next()) {
      position = slice.start + frame.end
      if (frame.kind !== frameKind.tick) eventful = true
      step.newReadings = position > done.readings
      step.newRejections = position > done.ledger
      handle(step)
      if (gathered.batch.length >= config.batchReadings || gathered.rejected.length >= rejectedAtOnce) await commit()
      if (frame.end < turnEnd) continue
      turnEnd = frame.end + turnBytes
      await nextTurn()
      if (stopping) return
      await commitWhatIsDue()
    }
    if (frame.end !== slice.bytes.length)
      throw new AppError('log_failed', `read the log failed: no whole frame at ${slice.start + frame.end}`)
    position = slice.end
  }

  async function waitForMore(): Promise<void> {
    const wake = new AbortController()
    wakeUp = () => wake.abort()
    // Nothing more to store it with, so there is little reason to wait.
    const idle = gathered.empty ? undefined : setTimeout(wakeUp, config.idleCommitMs)
    if (!stopping && failure === undefined && !checkpointDue) await log.waitForMore(position, wake.signal)
    clearTimeout(idle)
    if (wake.signal.aborted) commitDue = true
  }

  async function commitWhatIsDue(): Promise<void> {
    if (failure !== undefined) throw failure
    if (storing === undefined && gathered.empty) storedPosition = position
    if (checkpointDue || position - checkpointAt >= config.checkpointBytes) await commit('with memory')
    else if (gathered.empty) commitDue = false
    else if (commitDue && storing === undefined) await commit()
    else
      commitTimer ??= setTimeout(() => {
        commitDue = true
        wakeUp()
      }, config.commitAfterMs)
  }

  /** Waits for the commit before, then hands over what was gathered and returns; it is stored in the background. */
  async function commit(checkpoint?: 'with memory'): Promise<void> {
    await storing
    if (failure !== undefined) throw failure
    const effects = gathered
    const reached = position
    gathered = step.effects = spare
    spare = effects
    effects.unnamed = naming.takeUnnamed()
    clearTimeout(commitTimer)
    commitTimer = undefined
    commitDue = false
    if (checkpoint !== undefined) {
      checkpointDue = eventful = false
      checkpointAt = reached
    }
    const state = checkpoint === undefined ? undefined : encodeMemory(memory, Math.ceil(memoryBytes * 1.1))
    if (state !== undefined) memoryBytes = state.length
    storing = committer.commit({ effects, position: reached, memory: state }).then(
      () => {
        effects.clear()
        storedPosition = reached
        storing = undefined
        wakeUp()
      },
      (error: unknown) => {
        failure = error
        storing = undefined
        wakeUp()
      },
    )
  }

  return {
    run,
    stop() {
      stopping = true
      wakeUp()
    },
    get position() {
      return storedPosition
    },
    get waiting() {
      return gathered.batch.length + spare.batch.length
    },
  }
}
