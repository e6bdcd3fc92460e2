import type { RollUp, RollUpStep } from '../reading-store.ts'
import { slotMs, slotStart } from '../rollups/index.ts'
import type { Connection } from './connection.ts'
import {
  firstTime,
  type Rolling,
  readSources,
  rollUpHours,
  rollUpSource,
  type Source,
  type Step,
  type Whose,
} from './rolling.ts'
import type { ChangedDay, Rollups } from './rollups.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** A step that takes longer is followed by a shorter one. */
const stepMs = 500
const againAtOnce = 20
/** Characters of line protocol in one request; InfluxDB takes 25 MB. */
const requestLength = 4 * 1024 * 1024

export interface RollerDeps {
  readonly connection: Connection
  readonly rollups: Rollups
  nowMs(): number
  /** Writes go one after the other with those of readings. */
  change<T>(work: () => Promise<T>): Promise<T>
}

export interface Roller {
  /** One call at a time. */
  step(beforeMs: number, what: RollUp): Promise<RollUpStep | undefined>
}

export function createRoller({ connection, rollups, nowMs, change }: RollerDeps): Roller {
  /** How much of a day the next step takes on. */
  let slots = 4

  /** In between the database may have become another one; then nothing is written. */
  function guarded(epoch: number, work: () => Promise<void>): Promise<void> {
    return change(async () => {
      if (epoch === rollups.epoch) await work()
    })
  }

  async function store(epoch: number, lines: string): Promise<void> {
    for (let from = 0; from < lines.length; ) {
      const end =
        lines.length - from <= requestLength ? lines.length : lines.lastIndexOf('\n', from + requestLength) + 1
      const part = lines.slice(from, end - 1)
      await guarded(epoch, () => connection.write(part, rollups.policy))
      from = end
    }
  }

  /** These go on to be answered from the readings. */
  function giveUp(epoch: number, days: readonly ChangedDay[]): Promise<void> {
    return days.length === 0 ? Promise.resolve() : guarded(epoch, () => rollups.giveUp(days))
  }

  /** Once their slots are there. */
  async function hours(epoch: number, source: Source, step: Step, whose?: Whose): Promise<void> {
    if (step.fromMs >= step.toMs) return
    const from = rollups.from(source.measurement, '15m')
    const { lines, beyond } = await rollUpHours(connection, { ...source, from }, step, whose)
    await store(epoch, lines)
    const day = Math.floor(step.fromMs / dayMs)
    await giveUp(
      epoch,
      beyond.map((one) => ({ ...one, measurement: source.measurement, day })),
    )
  }

  /** To where there are readings again, `endMs` at most; false: nothing was ever stored before that. */
  async function skip(sources: readonly Source[], endMs: number): Promise<boolean> {
    const { epoch, untilMs } = rollups
    // Whatever comes from now on for a time before is noted, so that the first one stays the first one.
    await change(async () => rollups.track(endMs))
    const firstMs = await firstTime(connection, sources, untilMs)
    if (untilMs === Number.NEGATIVE_INFINITY && !(firstMs < endMs)) return false
    const toMs = Number.isNaN(firstMs) ? endMs : Math.min(endMs, slotStart(firstMs))
    if (toMs <= untilMs) return true
    // The hour that was begun ends here.
    const fromMs = hourStart(untilMs)
    if (Number.isFinite(fromMs))
      for (const source of sources)
        await hours(epoch, source, { fromMs, toMs: Math.min(fromMs + hourMs, hourStart(toMs)) })
    await guarded(epoch, () => rollups.reach(toMs, nowMs()))
    return true
  }

  async function forward(sources: readonly Source[], endMs: number): Promise<RollUpStep | undefined> {
    const { epoch, untilMs } = rollups
    if (untilMs >= endMs) return undefined
    if (untilMs === Number.NEGATIVE_INFINITY)
      return (await skip(sources, endMs)) ? { untilMs: rollups.untilMs } : undefined
    const dayEndMs = (Math.floor(untilMs / dayMs) + 1) * dayMs
    const toMs = Math.min(endMs, dayEndMs, untilMs + slots * slotMs)
    await change(async () => rollups.track(toMs))
    const beganMs = performance.now()
    let isEmpty = true
    for (const source of sources) {
      const { lines, beyond } = await rollUpSource(connection, source, { fromMs: untilMs, toMs })
      isEmpty &&= lines === '' && beyond.length === 0
      await store(epoch, lines)
      await hours(epoch, source, { fromMs: hourStart(untilMs), toMs: hourStart(toMs) })
      await giveUp(
        epoch,
        beyond.map((one) => ({ ...one, measurement: source.measurement, day: Math.floor(untilMs / dayMs) })),
      )
    }
    const tookMs = performance.now() - beganMs
    if (tookMs > stepMs) slots = Math.max(1, Math.floor(slots / 2))
    else if (tookMs < stepMs / 2) slots = Math.min(dayMs / slotMs, slots * 2)
    await guarded(epoch, () => rollups.reach(toMs, nowMs()))
    if (isEmpty) await skip(sources, endMs)
    return { untilMs: rollups.untilMs }
  }

  async function again(sources: readonly Source[]): Promise<RollUpStep | undefined> {
    const { epoch } = rollups
    let days: readonly ChangedDay[] = []
    await change(async () => {
      days = rollups.begin(againAtOnce)
    })
    if (days.length === 0) return undefined
    let isDone = false
    try {
      for (const { measurement, device, number, day } of days) {
        const source = sources.find((one) => one.measurement === measurement)
        const step = { fromMs: day * dayMs, toMs: Math.min((day + 1) * dayMs, rollups.untilMs) }
        if (source === undefined || step.fromMs >= step.toMs) continue
        const rolling: Rolling = await rollUpSource(connection, source, step, { device, number })
        await store(epoch, rolling.lines)
        await hours(epoch, source, { ...step, toMs: hourStart(step.toMs) }, { device, number })
        await giveUp(
          epoch,
          rolling.beyond.map((one) => ({ ...one, measurement, day })),
        )
      }
      isDone = true
    } finally {
      await guarded(epoch, () => rollups.finish(days, isDone))
    }
    return { untilMs: rollups.untilMs }
  }

  return {
    async step(beforeMs, what) {
      const sources = await readSources(connection)
      return (await forward(sources, slotStart(beforeMs))) ?? (what === 'all' ? again(sources) : undefined)
    },
  }
}

function hourStart(timeMs: number): number {
  return Math.floor(timeMs / hourMs) * hourMs
}
