import { AppError } from '../model/index.ts'
import { openSegmentLog, readLogId, type SegmentLog, type SegmentLogConfig } from '../store/log/index.ts'
import { platformActor, type State } from '../store/state/index.ts'

/** The setting by which state remembers whose log it has come from. */
export const logIdSetting = 'log-id'

/**
 * Opens the log that state belongs to, or makes one for a state that has none. Rejects with `store_failed`, and leaves
 * the folder as it is, when another one is in its place or none is: a disk that is not mounted, a part of a backup.
 */
export async function claimLog(state: State, config: SegmentLogConfig): Promise<SegmentLog> {
  const claimed = await state.settings.get(logIdSetting)
  const found = await readLogId(config.folder)
  if (claimed !== undefined && found !== claimed)
    throw doesNotFit(
      found === undefined
        ? `the log in ${config.folder} is missing (is its disk mounted?), state was made from log ${claimed}`
        : `the log in ${config.folder} is ${found}, state was made from log ${claimed}`,
    )
  const log = await openSegmentLog(config)
  if (claimed !== undefined) return log
  try {
    // Only states from before logs had an id have come from a log that they do not name.
    const isNew = (await state.ledger.position('ingest')) === 0
    if (isNew && found !== undefined && log.stats().durable > 0)
      throw doesNotFit(`state is new, and the log in ${config.folder} is not`)
    await state.change(platformActor, (unit) => unit.settings.set(logIdSetting, log.id))
    return log
  } catch (error) {
    await log.close()
    throw error
  }
}

function doesNotFit(what: string): AppError {
  return new AppError(
    'store_failed',
    `start failed, the parts of the data folder do not fit together: ${what}; restore all of it from one backup`,
  )
}
