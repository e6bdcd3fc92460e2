import {
  emptyCounts,
  type ServiceMeasure,
  type StepCounts,
  serviceMeasures,
  serviceWindows,
  type Uptime,
} from '../../../model/index.ts'
import type { Db, StateSchema, Tx } from '../schema.ts'
import type { ServiceReport, ServiceStore } from '../service-store.ts'

type Resolution = StateSchema['service_counts']['resolution']

const slotMs: Readonly<Record<Resolution, number>> = { minute: 60_000, hour: 3_600_000 }
/** A window's first slot is whole, so it may begin one slot earlier. */
const keptMs: Readonly<Record<Resolution, number>> = {
  minute: serviceWindows['24h'] + slotMs.minute,
  hour: serviceWindows['30d'] + slotMs.hour,
}
const resolutions = ['minute', 'hour'] as const

export function serviceStore(reader: Db, writer: Db): ServiceStore {
  return {
    report: ({ startedMs, nowMs, counts }) =>
      writer.transaction().execute(async (tx) => {
        await tx
          .insertInto('service_spans')
          .values({ started_ms: startedMs, last_ms: nowMs })
          .onConflict((span) => span.column('started_ms').doUpdateSet({ last_ms: nowMs }))
          .execute()
        for (const measure of serviceMeasures)
          if (counts[measure].total > 0 || counts[measure].durations.count > 0)
            for (const resolution of resolutions) await add(tx, resolution, { measure, nowMs, counts })
      }),

    async read(window, nowMs) {
      const resolution: Resolution = window === '30d' ? 'hour' : 'minute'
      const fromMs = nowMs - serviceWindows[window]
      const counts = emptyCounts()
      const rows = await reader
        .selectFrom('service_counts')
        .selectAll()
        .where('resolution', '=', resolution)
        .where('start_ms', '>', fromMs - slotMs[resolution])
        .where('start_ms', '<=', nowMs)
        .execute()
      for (const { measure, total, bad, steps } of rows) {
        counts[measure].total += total
        counts[measure].bad += bad
        counts[measure].durations.addSteps(parseSteps(steps))
      }
      return { counts, uptime: await uptime(reader, fromMs, nowMs) }
    },

    trim: (nowMs) =>
      writer.transaction().execute(async (tx) => {
        for (const resolution of resolutions)
          await tx
            .deleteFrom('service_counts')
            .where('resolution', '=', resolution)
            .where('start_ms', '<', nowMs - keptMs[resolution] - slotMs[resolution])
            .execute()
        await tx
          .deleteFrom('service_spans')
          .where('last_ms', '<', nowMs - keptMs.hour)
          .execute()
      }),
  }
}

interface Addition extends Pick<ServiceReport, 'nowMs' | 'counts'> {
  readonly measure: ServiceMeasure
}

async function add(tx: Tx, resolution: Resolution, { measure, nowMs, counts }: Addition): Promise<void> {
  const startMs = Math.floor(nowMs / slotMs[resolution]) * slotMs[resolution]
  const place = { resolution, measure, start_ms: startMs }
  const kept = await tx
    .selectFrom('service_counts')
    .selectAll()
    .where('resolution', '=', resolution)
    .where('measure', '=', measure)
    .where('start_ms', '=', startMs)
    .executeTakeFirst()
  const { total, bad, durations } = counts[measure]
  const both = emptyCounts()[measure].durations
  both.addSteps(durations.steps())
  if (kept !== undefined) both.addSteps(parseSteps(kept.steps))
  const sums = {
    total: total + (kept?.total ?? 0),
    bad: bad + (kept?.bad ?? 0),
    steps: JSON.stringify(both.steps()),
  }
  await tx
    .insertInto('service_counts')
    .values({ ...place, ...sums })
    .onConflict((slot) => slot.columns(['resolution', 'measure', 'start_ms']).doUpdateSet(sums))
    .execute()
}

/** Written by `add` alone. */
function parseSteps(text: string): StepCounts {
  return JSON.parse(text) as StepCounts
}

/** Spans may overlap, where several processes serve; time before the first of all is nobody's outage. */
async function uptime(db: Db, fromMs: number, nowMs: number): Promise<Uptime> {
  const first = await db.selectFrom('service_spans').select('started_ms').orderBy('started_ms').limit(1).execute()
  const beginMs = Math.min(nowMs, Math.max(fromMs, first[0]?.started_ms ?? nowMs))
  const spans = await db
    .selectFrom('service_spans')
    .selectAll()
    .where('last_ms', '>', beginMs)
    .orderBy('started_ms')
    .execute()
  let upMs = 0
  let reachedMs = beginMs
  for (const { started_ms: startedMs, last_ms: lastMs } of spans) {
    const endMs = Math.min(lastMs, nowMs)
    upMs += Math.max(0, endMs - Math.max(startedMs, reachedMs))
    reachedMs = Math.max(reachedMs, endMs)
  }
  return { upMs, ofMs: nowMs - beginMs }
}
