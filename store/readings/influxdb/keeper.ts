import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { AppError, type Clock } from '../../../model/index.ts'
import type { LogPosition } from '../../log/index.ts'
import type { StoreMarks } from '../reading-store.ts'
import type { InfluxdbReadingsConfig } from './config.ts'
import type { Connection } from './connection.ts'
import { isMissing } from './errors.ts'
import type { Layout } from './layout.ts'
import { type Mark, markLine, markTime, readMarks } from './marks.ts'
import { makeDatabase } from './retention.ts'

/** The mark is looked at and written anew so often, while there are writes; and after every failure. */
const attendMs = 5_000

export interface KeeperDeps {
  readonly connection: Connection
  readonly layout: Layout
  readonly logId: string
  readonly clock: Clock
  readonly logger: Logger
}

/** Knows whether the database is the one that was written to before, and how far it goes. Its calls do not overlap. */
export interface Keeper {
  /** What the database says of itself; one without a mark gets one, of position 0. */
  open(): Promise<StoreMarks>
  /** Before each write. Rejects with `store_emptied` when what was written is gone; then the database counts as new. */
  attend(): Promise<void>
  /** Everything up to `position` is stored. What is not `settled` counts when the next write begins. */
  stored(position: LogPosition, settled: boolean): void
  /** A write failed: who knows what has happened meanwhile. */
  doubt(): void
  /** Leaves a mark of where it has come to. */
  close(): Promise<void>
}

export function createKeeper(config: InfluxdbReadingsConfig, deps: KeeperDeps): Keeper {
  const { connection, layout, logId, clock, logger } = deps
  /** As it was read or written last. */
  let mark: Mark | undefined
  /** When the one before it is of, which must still be there: the newest alone may have been on its way to a database that was gone. */
  let beforeMs: number | undefined
  let position: LogPosition = 0
  /** Stored, and yet to be settled by its caller. */
  let unsettled: LogPosition | undefined
  let attendedMs = Number.NEGATIVE_INFINITY

  async function read(): Promise<readonly Mark[]> {
    try {
      return await readMarks(connection)
    } catch (error) {
      if (!isMissing(error) || !(await makeDatabase(connection, config))) throw error
      logger.info({ url: config.url }, 'influxdb database made')
      return []
    }
  }

  async function write(storeId: string, withStoreId: boolean): Promise<Mark> {
    const written: Mark = {
      timeMs: markTime(clock.now()),
      logId,
      storeId,
      position,
      highestDevice: Math.max(mark?.highestDevice ?? 0, layout.highestDevice),
      highestSeries: Math.max(mark?.highestSeries ?? 0, layout.highestSeries),
    }
    const isNext = mark !== undefined && written.timeMs !== mark.timeMs
    await connection.write(markLine(written, { withStoreId: withStoreId || written.timeMs !== mark?.timeMs }))
    beforeMs = isNext ? mark?.timeMs : undefined
    return written
  }

  function checkOwner(found: Mark): void {
    if (found.logId === logId) return
    throw new AppError(
      'store_unavailable',
      `store readings failed: the readings in influxdb are another platform's, made from log ${found.logId}; the log here is ${logId}`,
      { retryable: true, retryAfterMs: 30_000 },
    )
  }

  function isSame([found, before]: readonly Mark[]): boolean {
    if (found === undefined || found.storeId !== mark?.storeId || found.position < mark.position) return false
    return beforeMs === undefined || (before?.timeMs === beforeMs && before.storeId === mark.storeId)
  }

  return {
    async open() {
      const [found] = await read()
      // Whose they are is for the caller to judge, before anything is written.
      if (found !== undefined && found.logId !== logId) return found
      position = found?.position ?? 0
      unsettled = undefined
      mark = found
      if (found === undefined) mark = await write(randomUUID(), true)
      attendedMs = clock.now()
      const { highestDevice, highestSeries } = mark ?? layout
      return { position, logId: found?.logId, highestDevice, highestSeries }
    },
    async attend() {
      position = unsettled ?? position
      unsettled = undefined
      const sinceMs = clock.now() - attendedMs
      if (sinceMs >= 0 && sinceMs < attendMs) return
      const found = await read()
      if (found[0] !== undefined) checkOwner(found[0])
      const same = isSame(found)
      if (!same) {
        position = 0
        mark = undefined
      }
      mark = await write(mark?.storeId ?? randomUUID(), !same)
      attendedMs = clock.now()
      if (same) return
      throw new AppError('store_emptied', 'store readings failed: influxdb no longer has what was written to it')
    },
    stored(reached, settled) {
      if (settled) position = reached
      else unsettled = reached
    },
    doubt() {
      attendedMs = Number.NEGATIVE_INFINITY
    },
    async close() {
      if (mark === undefined || position === mark.position) return
      if (isSame(await read())) await write(mark.storeId, false)
    },
  }
}
