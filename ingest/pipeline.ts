import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../model/index.ts'
import type { LogReader, LogSlice } from '../store/log/index.ts'
import { type CatchUp, isEmptied, type Parting } from './catch-up.ts'
import type { IngestConfig } from './config.ts'
import type { Gatherer } from './gatherer.ts'
import type { Live } from './live/live.ts'
import type { Recording } from './recording.ts'
import type { Retry } from './retry.ts'
import type { Beginning, Walk } from './walk.ts'

export interface PipelineDeps {
  readonly log: LogReader
  /** The way through the log: decode → validate → dedupe → judge. */
  readonly walk: Walk
  readonly gatherer: Gatherer
  readonly recording: Recording
  /** Absent: nobody is in a hurry, and the log waits for the readings store. */
  readonly catchUp: CatchUp | undefined
  readonly retry: Retry
  /** Told after each turn. */
  readonly live: Pick<Live, 'passed'>
  readonly clock: Clock
  /** Called at once, and perhaps more than once, when it cannot go on; nothing may be begun through `retry` from then on. */
  onFailure(error: unknown): void
}

export interface Pipeline {
  /**
   * Reads the log until it is told to stop, or fails; then stores what was gathered, and the memory. Resolves when nothing
   * of it is under way any more, whatever became of it. Once.
   */
  run(beginning: Beginning): Promise<void>
  stop(): void
  /** Nothing can be promised any more: it ends. */
  fail(error: unknown): void
}

/**
 * log → decode → validate → dedupe → judge → store → position. While one batch is being stored the next is gathered;
 * when that is full too, the rules go on without the store, which catches up from the log.
 */
export function createPipeline(config: IngestConfig, deps: PipelineDeps): Pipeline {
  const { log, walk, gatherer, recording, catchUp, retry, live, clock, onFailure } = deps
  let catchingUp: Promise<void> | undefined
  let stopping = false
  let wakeUp = () => {}

  const reader = () => catchUp?.frontLog ?? log

  async function run(beginning: Beginning): Promise<void> {
    walk.start(beginning)
    gatherer.start(beginning.position)
    try {
      while (!stopping) {
        const slice = await retry.run('read the log', () => reader().read(walk.position, config.sliceBytes))
        if (slice.bytes.length > 0) await take(slice, beginning)
        else await waitForMore()
        await handOn(beginning)
      }
      await finish()
    } catch (error) {
      fail(error)
    } finally {
      await end()
    }
  }

  async function take(slice: LogSlice, beginning: Beginning): Promise<void> {
    const from = reader()
    walk.enter(slice)
    while (walk.takeTurn() && !stopping) {
      await handOn(beginning)
      // Now someone else reads on with it, and the slice is not ours any more.
      if (reader() !== from) return
      await nextTurn()
    }
  }

  /** What the turn amounted to: to be recorded, and to be stored. */
  async function handOn(beginning: Beginning): Promise<void> {
    live.passed(walk.gathering ? gatherer.effects.batch : undefined)
    await recording.record()
    if (!walk.gathering) return
    try {
      if (!gatherer.full || (await gatherer.settled(patienceMs()))) gatherer.commitIfDue(walk.position, walk.memory)
      else partWays(beginning, 'slow')
    } catch (error) {
      if (!isEmptied(error) || catchUp === undefined) throw error
      partWays(beginning, 'emptied')
    }
  }

  function partWays(beginning: Beginning, why: Parting): void {
    catchingUp = catchUp?.run(walk, { ...beginning, position: walk.position }, why).then(wake, fail)
  }

  /**
   * How long the store may take with a full batch. Reading twice costs time that a store which is merely busy may need:
   * it may take what is left until the rules are late, and one that is down nothing.
   */
  function patienceMs(): number | undefined {
    if (catchUp === undefined) return undefined
    const lateMs = Math.max(0, clock.now() - walk.memory.nowMs)
    return retry.failing ? 0 : Math.max(0, config.rulesDelayMs - lateMs)
  }

  /** Until the log has more, a commit is due, or it is time to stop. */
  async function waitForMore(): Promise<void> {
    const waking = new AbortController()
    wakeUp = () => waking.abort()
    if (stopping) wakeUp()
    let idle: NodeJS.Timeout | undefined
    if (walk.gathering) {
      gatherer.onDue(wakeUp)
      if (!gatherer.effects.empty) idle = setTimeout(() => gatherer.hurry(), config.idleCommitMs)
    }
    await reader().waitForMore(walk.position, waking.signal)
    clearTimeout(idle)
  }

  async function finish(): Promise<void> {
    // Not behind a readings store that is down.
    await recording.finish()
    await catchingUp
    if (!walk.gathering) return
    await gatherer.finish(walk.position, walk.memory).catch((error: unknown) => {
      // Where it begins anew is for the next start to find.
      if (!isEmptied(error)) throw error
    })
  }

  /** A failure leaves others under way. They begin nothing that lasts any more; what they have begun is waited for. */
  async function end(): Promise<void> {
    await catchingUp
    await recording.settled()
    await gatherer.settled().catch(() => {})
    gatherer.stop()
  }

  function wake(): void {
    wakeUp()
  }

  function stop(): void {
    stopping = true
    catchUp?.stop()
    wakeUp()
  }

  function fail(error: unknown): void {
    onFailure(error)
    stop()
  }

  return { run, stop, fail }
}
