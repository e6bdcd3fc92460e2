import type { LogPosition } from '../store/log/index.ts'
import type { Committer } from './committer.ts'
import type { IngestConfig } from './config.ts'
import { Effects } from './effects.ts'
import { encodeMemory } from './memory/codec.ts'
import type { Memory } from './memory/memory.ts'
import type { SeriesNaming } from './series-naming.ts'

/** Rejected messages, each up to 5 KiB, that are listed at once. */
const rejectedAtOnce = 1000

export interface GathererDeps {
  readonly memory: Memory
  readonly naming: SeriesNaming
  readonly committer: Committer
}

/**
 * Gathers effects while those gathered before are being stored: one commit at a time, in order. A commit is due when the
 * batch is full, when its first reading has waited long enough, or when a snapshot of the memory is.
 */
export interface Gatherer {
  start(from: LogPosition): void
  /** Where effects go; another one after each commit. */
  readonly effects: Effects
  /** Something other than a tick happened, so there is something to take a snapshot of. */
  noteEvent(): void
  /** Whether the batch takes no more. */
  readonly full: boolean
  /** Hands over what was gathered up to `position`, if it is due. Waits for the commit before only when it must. */
  commitIfDue(position: LogPosition): Promise<void>
  /** Nothing comes that it could be stored with: what was gathered is due. */
  hurry(): void
  /** Hands it over now, and returns; it is stored in the background. Rejects when the commit before failed for good. */
  commit(position: LogPosition): Promise<void>
  /** Stores what is left, and the memory, and waits for it. */
  finish(position: LogPosition): Promise<void>
  /** Clears the timers. */
  stop(): void
  /** Calls back once there may be something due, at once if there is. Only the last caller is called. */
  onDue(wake: () => void): void
  /** Everything up to here is stored. */
  readonly storedPosition: LogPosition
  /** Readings gathered and not stored yet. */
  readonly waiting: number
}

export function createGatherer(config: IngestConfig, { memory, naming, committer }: GathererDeps): Gatherer {
  let gathered = new Effects()
  let spare = new Effects()
  let storing: Promise<void> | undefined
  let failure: unknown
  let storedPosition: LogPosition = 0

  let commitTimer: NodeJS.Timeout | undefined
  let commitDue = false
  let checkpointTimer: NodeJS.Timeout | undefined
  let checkpointDue = false
  let checkpointAt: LogPosition = 0
  let eventful = false
  /** Size of the memory at the last checkpoint. */
  let memoryBytes = 0
  let wake = () => {}

  function start(from: LogPosition): void {
    storedPosition = checkpointAt = from
    checkpointTimer = setInterval(() => {
      checkpointDue ||= eventful
      if (checkpointDue) wake()
    }, config.checkpointMs)
  }

  /** Waits for the commit before, and takes what was gathered. */
  async function take(): Promise<Effects> {
    await storing
    if (failure !== undefined) throw failure
    const effects = gathered
    gathered = spare
    spare = effects
    effects.unnamed = naming.takeUnnamed()
    clearTimeout(commitTimer)
    commitTimer = undefined
    commitDue = false
    return effects
  }

  function store(effects: Effects, position: LogPosition, state: Uint8Array | undefined): void {
    storing = committer
      .commit({ effects, position, memory: state })
      .then(
        () => {
          effects.clear()
          storedPosition = position
        },
        (error: unknown) => {
          failure = error
        },
      )
      .then(() => {
        storing = undefined
        wake()
      })
  }

  async function commit(position: LogPosition): Promise<void> {
    store(await take(), position, undefined)
  }

  async function checkpoint(position: LogPosition): Promise<void> {
    const effects = await take()
    const state = encodeMemory(memory, Math.ceil(memoryBytes * 1.1))
    memoryBytes = state.length
    checkpointDue = eventful = false
    checkpointAt = position
    store(effects, position, state)
  }

  async function commitIfDue(position: LogPosition): Promise<void> {
    if (failure !== undefined) throw failure
    if (storing === undefined && gathered.empty) storedPosition = position
    if (checkpointDue || position - checkpointAt >= config.checkpointBytes) await checkpoint(position)
    else if (gathered.empty) return
    else if (commitDue && storing === undefined) await commit(position)
    else commitTimer ??= setTimeout(hurry, config.commitAfterMs)
  }

  function hurry(): void {
    commitDue = true
    wake()
  }

  return {
    start,
    commit,
    commitIfDue,
    hurry,
    async finish(position) {
      if (!gathered.empty || position !== checkpointAt) await checkpoint(position)
      await storing
      if (failure !== undefined) throw failure
    },
    stop() {
      clearInterval(checkpointTimer)
      clearTimeout(commitTimer)
    },
    noteEvent() {
      eventful = true
    },
    onDue(call) {
      wake = call
      const due = checkpointDue || (commitDue && storing === undefined)
      if (due || failure !== undefined) call()
    },
    get effects() {
      return gathered
    },
    get full() {
      return gathered.batch.length >= config.batchReadings || gathered.rejected.length >= rejectedAtOnce
    },
    get storedPosition() {
      return storedPosition
    },
    get waiting() {
      return gathered.batch.length + spare.batch.length
    },
  }
}
