import type { LogPosition } from '../store/log/index.ts'
import type { Committer } from './committer.ts'
import type { IngestConfig } from './config.ts'
import { Effects } from './effects.ts'
import type { Memory } from './memory/memory.ts'
import type { Remember } from './remember.ts'
import type { SeriesNaming } from './series-naming.ts'
import { within } from './within.ts'

/** Rejected messages, each up to 5 KiB, that are listed at once. */
const rejectedAtOnce = 1000

export interface GathererDeps {
  readonly naming: SeriesNaming
  readonly committer: Committer
  readonly remember: Remember
}

/**
 * Gathers effects while those gathered before are being stored: one commit at a time, in order. A commit is due when the
 * batch is full, when its first reading has waited long enough, or when a snapshot of the memory is. Whoever gathers
 * tells where it has come to and what it remembers there.
 */
export interface Gatherer {
  start(from: LogPosition): void
  /** Where effects go; another one after each commit. */
  readonly effects: Effects
  /** Something other than a tick happened, so there is something to take a snapshot of. */
  noteEvent(): void
  /** Whether the batch takes no more. */
  readonly full: boolean
  /** Resolves once nothing is being stored, with false if that takes longer; rejects when storing failed for good. */
  settled(withinMs?: number): Promise<boolean>
  /** Hands over what was gathered, to be stored in the background. Only when settled. */
  commit(position: LogPosition, memory: Memory): void
  /** Does so if it is due and nothing is being stored. */
  commitIfDue(position: LogPosition, memory: Memory): void
  /** Nothing comes that it could be stored with: what was gathered is due. */
  hurry(): void
  /** What was gathered will be gathered again: it goes on from there as if nothing had been, or had failed. Only when settled. */
  startOver(from: LogPosition): void
  /** Stores what is left, and the memory, and waits for it. */
  finish(position: LogPosition, memory: Memory): Promise<void>
  /** Clears the timers. */
  stop(): void
  /** Calls back once there may be something due, at once if there is. Only the last caller is called. */
  onDue(wake: () => void): void
  /** Everything up to here is stored. */
  readonly storedPosition: LogPosition
  /** Readings gathered and not stored yet. */
  readonly waiting: number
}

export function createGatherer(config: IngestConfig, { naming, committer, remember }: GathererDeps): Gatherer {
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
  let wake = () => {}

  function isFull(): boolean {
    return gathered.batch.length >= config.batchReadings || gathered.rejected.length >= rejectedAtOnce
  }

  function isCommitDue(): boolean {
    return (commitDue && !gathered.empty) || isFull()
  }

  function isCheckpointDue(position: LogPosition): boolean {
    return checkpointDue || position - checkpointAt >= config.checkpointBytes
  }

  function take(): Effects {
    const effects = gathered
    gathered = spare
    spare = effects
    effects.unnamed = naming.takeUnnamed()
    clearTimeout(commitTimer)
    commitTimer = undefined
    commitDue = false
    return effects
  }

  function store(position: LogPosition, memory: Memory | undefined): void {
    const effects = take()
    const remembered = memory === undefined ? undefined : remember(memory)
    if (remembered !== undefined) {
      checkpointDue = eventful = false
      checkpointAt = position
    }
    storing = committer
      .commit({ effects, position, remembered })
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

  function commit(position: LogPosition, memory: Memory): void {
    store(position, isCheckpointDue(position) ? memory : undefined)
  }

  async function settled(withinMs?: number): Promise<boolean> {
    if (withinMs === undefined) await storing
    else if (storing !== undefined && withinMs > 0) await within(storing, withinMs)
    if (failure !== undefined) throw failure
    return storing === undefined
  }

  function hurry(): void {
    commitDue = true
    wake()
  }

  return {
    start(from) {
      storedPosition = checkpointAt = from
      checkpointTimer = setInterval(() => {
        checkpointDue ||= eventful
        if (checkpointDue) wake()
      }, config.checkpointMs)
    },
    startOver(from) {
      gathered.clear()
      spare.clear()
      clearTimeout(commitTimer)
      commitTimer = undefined
      failure = undefined
      commitDue = checkpointDue = false
      storedPosition = checkpointAt = from
    },
    settled,
    commit,
    commitIfDue(position, memory) {
      if (failure !== undefined) throw failure
      if (storing === undefined) {
        if (gathered.empty) storedPosition = position
        if (isCommitDue() || isCheckpointDue(position)) return commit(position, memory)
      }
      if (!gathered.empty) commitTimer ??= setTimeout(hurry, config.commitAfterMs)
    },
    hurry,
    async finish(position, memory) {
      await settled()
      if (!gathered.empty || position !== checkpointAt) store(position, memory)
      await settled()
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
      const due = checkpointDue || isCommitDue()
      if ((due && storing === undefined) || failure !== undefined) call()
    },
    get effects() {
      return gathered
    },
    get full() {
      return isFull()
    },
    get storedPosition() {
      return storedPosition
    },
    get waiting() {
      return gathered.batch.length + spare.batch.length
    },
  }
}
