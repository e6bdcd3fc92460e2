import { stat } from 'node:fs/promises'
import { checkEdges, emptyBuckets, emptyReadings, wholeMs } from '../columns.ts'
import type { ReadingStore, RollableStore, RollUp, RollUpStep } from '../reading-store.ts'
import { rewriteSlice, sliceDay } from './compaction.ts'
import type { DuckdbReadingsConfig } from './config.ts'
import { selectLatest } from './latest.ts'
import { createDatabaseOwner, type DuckdbReadingsDeps } from './owner.ts'
import { forgetBefore, removeBefore } from './removal.ts'
import { noRollups, reachAtLeast, replaceRollups, selectRollups } from './rolled-copy.ts'
import { rollStep } from './roller.ts'

const dayMs = 86_400_000

/** A store that answers faster about a day once that day has been rewritten. */
export interface CompactableStore {
  /** Rewrites a UTC day that is over, in slices between which writes go on; resolves with its rows. */
  compact(dayStartMs: number): Promise<number>
}

/** To be used by one thread of one process; see `DatabaseOwner`. */
export function createDuckdbReadings(
  config: DuckdbReadingsConfig,
  deps: DuckdbReadingsDeps,
): ReadingStore & CompactableStore & RollableStore {
  const owner = createDatabaseOwner(config, deps)

  function rollUp(beforeMs: number, what: RollUp): Promise<RollUpStep | undefined> {
    return owner.change('roll up readings', ({ session, writer }) =>
      rollStep(session, writer.rolled, { beforeMs: wholeMs(beforeMs), what }),
    )
  }

  return {
    remote: false,
    open: async () => {
      const { writer } = await owner.open()
      return { ...writer.ledger, emptyFromMs: writer.emptyFromMs }
    },
    write: (batch, position) =>
      owner.change(`store ${batch.length} readings`, async ({ writer }) => {
        await writer.write(batch, position)
        return { refused: [] }
      }),
    range: (range) =>
      owner.query(`read series ${range.seriesId}`, async ({ questions, writer }) => {
        const slot = writer.layout.slotOf(range.seriesId)
        return slot === undefined ? emptyReadings(0) : questions.range(slot, range)
      }),
    buckets: (buckets) =>
      owner.query(`aggregate series ${buckets.seriesId}`, async ({ questions, writer }) => {
        const slot = writer.layout.slotOf(buckets.seriesId)
        return slot === undefined
          ? emptyBuckets(checkEdges(buckets.edgesMs).length - 1)
          : questions.buckets(slot, buckets)
      }),
    latest: (seriesIds) =>
      owner.query(`read the latest of ${seriesIds.length} series`, ({ readers, writer }) => {
        const slots = Array.from(seriesIds, (seriesId) => writer.layout.slotOf(seriesId))
        return readers.use((session) => selectLatest(session, slots))
      }),
    expire: async (beforeMs, rollupsBeforeMs = beforeMs) => {
      const expiry = { beforeMs: dayStart(beforeMs), rolledBeforeMs: dayStart(Math.min(beforeMs, rollupsBeforeMs)) }
      if (expiry.rolledBeforeMs < expiry.beforeMs) while ((await rollUp(expiry.beforeMs, 'all')) !== undefined);
      await owner.change('expire readings', async ({ writer, session }) => {
        // In between, something old may have come.
        if (expiry.rolledBeforeMs < expiry.beforeMs)
          while ((await rollStep(session, writer.rolled, { beforeMs: expiry.beforeMs, what: 'all' })) !== undefined);
        await writer.change(() => removeBefore(session, writer.layout.tables, expiry))
        forgetBefore(writer.rolled, expiry.beforeMs)
      })
    },
    rollUp,
    outlivedMs: () => owner.query('read rollups', async ({ writer }) => writer.ledger.rawFromMs),
    rollups: (range) =>
      owner.query(`read rollups of series ${range.seriesId}`, async ({ readers, writer }) => {
        const slot = writer.layout.slotOf(range.seriesId)
        const [fromMs, toMs] = [wholeMs(range.fromMs), wholeMs(range.toMs)]
        return slot === undefined ? noRollups : readers.use((session) => selectRollups(session, slot, { fromMs, toMs }))
      }),
    takeRollups: (seriesId, rollups) =>
      owner.change(`take rollups of series ${seriesId}`, async ({ session, writer }) => {
        const slot = await writer.place(seriesId)
        if (rollups.slotsMs.length > 0) await replaceRollups(session, slot, rollups)
      }),
    outlive: (beforeMs) =>
      owner.change('take rollups', async ({ session, writer }) => {
        const rawFromMs = Math.max(dayStart(beforeMs), writer.ledger.rawFromMs)
        for (const rolled of writer.rolled) await reachAtLeast(session, rolled, rawFromMs)
        await writer.change(async () => ({ readings: 0, rows: 0, rawFromMs }))
      }),
    compact: async (dayStartMs) => {
      const action = 'compact readings'
      const fromMs = Math.floor(dayStartMs / dayMs) * dayMs
      const slices = await owner.query(action, ({ readers, writer }) =>
        readers.use((session) => sliceDay(session, writer.layout.tables, fromMs)),
      )
      for (const slice of slices) await owner.change(action, ({ session }) => rewriteSlice(session, slice))
      return slices.reduce((sum, { rows }) => sum + rows, 0)
    },
    stats: () =>
      owner.query('count readings', async ({ writer }) => {
        const { readings, rows, lateRows } = writer.ledger
        return { readings, rows, lateRows, bytes: (await sizeOf(config.path)) + (await sizeOf(`${config.path}.wal`)) }
      }),
    close: () => owner.close(),
  }
}

function dayStart(timeMs: number): number {
  return Math.floor(wholeMs(timeMs) / dayMs) * dayMs
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch {
    // The write-ahead log comes and goes.
    return 0
  }
}
