import { AppError } from '../model/index.ts'
import type { LogPosition, LogStats } from '../store/log/index.ts'
import type { StoreMarks } from '../store/readings/index.ts'
import type { HighestNumbers } from '../store/state/index.ts'

/** What the parts that the platform keeps know of each other. */
export interface Parts {
  readonly logId: string
  readonly log: Pick<LogStats, 'tail' | 'durable'>
  readonly readings: StoreMarks
  /** How far state has the rejected messages and what the rules made. */
  readonly rejected: LogPosition
  readonly recorded: LogPosition
  readonly state: HighestNumbers
}

/**
 * Parts that were restored from different days, or are another platform's, must not run together: readings would be
 * given to the wrong device, or be taken for stored. Nothing has been changed when it throws, so the right parts, put
 * in place, go on.
 */
export function checkFit({ logId, log, readings, rejected, recorded, state }: Parts): void {
  if (readings.logId !== undefined && readings.logId !== logId)
    throw doesNotFit(`readings were made from log ${readings.logId}, and the log here is ${logId}`)
  const reached = Math.max(rejected, recorded)
  if (Math.max(readings.position, reached) > log.durable)
    throw doesNotFit(
      `log is older: it ends at ${log.durable}, readings reach to ${readings.position} and state to ${reached}`,
    )
  const { highestDevice, highestSeries } = readings
  if (highestDevice > state.device || highestSeries > state.series)
    throw doesNotFit(
      `state is older than readings: it knows ${state.device} devices and ${state.series} series, ` +
        `readings have device ${highestDevice} and series ${highestSeries}`,
    )
}

/** The memory comes from a snapshot. */
export function checkMemoryFits(highestDevice: number, state: HighestNumbers): void {
  if (highestDevice > state.device)
    throw doesNotFit(
      `state is older than snapshots: it knows ${state.device} devices, they have device ${highestDevice}`,
    )
}

/** Without a snapshot the log must be whole. */
export function checkWhole({ log, readings, rejected, recorded }: Parts): void {
  if (log.tail > 0)
    throw doesNotFit(
      `snapshots are missing, or readings or state are older than they: the log begins at ${log.tail}, readings reach ` +
        `to ${readings.position}, state to ${rejected} and ${recorded}, and no snapshot is whole and behind all of them`,
    )
}

export function doesNotFit(what: string): AppError {
  return new AppError(
    'store_failed',
    `start failed, the parts of the data folder do not fit together: ${what}. Nothing was changed; restore all of it ` +
      '(log, readings, state, sessions, snapshots) from one backup',
  )
}
