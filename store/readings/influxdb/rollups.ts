import type { Rolled, Span } from '../rollups/index.ts'
import type { Connection } from './connection.ts'
import { isPartialWrite } from './errors.ts'
import { placeKey } from './layout.ts'
import {
  deviceNumberTag,
  deviceTag,
  lineKeyCarried,
  lineMeasurement,
  quoteCarried,
  quoteName,
  type RollupLevel,
  rolledMeasurement,
} from './names.ts'
import { numberIn } from './query.ts'

const dayMs = 86_400_000
/** Names that no profile can have. */
const stateMeasurement = 'pelbiot rollups'
const changedMeasurement = 'pelbiot changed'
const measurementTag = 'measurement'

/** A device's day in one measurement; its names as InfluxDB tells them. */
export interface ChangedDay {
  readonly measurement: string
  readonly device: string
  readonly number: string
  readonly day: number
}

interface State {
  readonly untilMs: number
  readonly rawFromMs: number
}

/** Stands for -Infinity, earlier than any time that InfluxDB holds. */
const noTime = -9_000_000_000_000_000

const nothing: State = { untilMs: Number.NEGATIVE_INFINITY, rawFromMs: Number.NEGATIVE_INFINITY }

/**
 * What is rolled up, in memory and in the database. A change behind it is noted there before the readings are written: a
 * crash in between leaves a note too much, never one too few.
 */
export class Rollups {
  readonly #connection: Connection
  #state: State = nothing
  #loaded = false
  #epoch = 0
  /** Readings before this are changes: it goes ahead of `untilMs` while a step is under way. */
  #trackedMs = Number.NEGATIVE_INFINITY
  /** By place and day: to be rolled up again. */
  readonly #changed = new Map<string, Map<number, ChangedDay>>()
  /** The same while it is being done: they are not right yet. */
  readonly #underWay = new Map<string, Set<number>>()
  /** What no rollup can say is not tried again before the next start. */
  readonly #hopeless = new Set<string>()
  /** Where rollups are, if not with the readings. */
  policy: string | undefined

  constructor(connection: Connection) {
    this.#connection = connection
  }

  get untilMs(): number {
    return this.#state.untilMs
  }

  get rawFromMs(): number {
    return this.#state.rawFromMs
  }

  /** Of a measurement, as InfluxDB tells its name. */
  from(measurement: string, level: RollupLevel): string {
    return this.#inPolicy(rolledMeasurement(measurement, level))
  }

  /** The database may be another one. */
  forget(): void {
    this.#loaded = false
    this.#epoch++
  }

  /** Another number than before: what was begun then is worth nothing. */
  get epoch(): number {
    return this.#epoch
  }

  get loaded(): boolean {
    return this.#loaded
  }

  /** Only where no write is under way: what is noted meanwhile would be forgotten. */
  async load(policy: () => Promise<string | undefined>): Promise<void> {
    if (this.#loaded) return
    this.policy = await policy()
    const state = await this.#readState()
    const changed = await this.#readNotes()
    this.#state = state
    this.#trackedMs = state.untilMs
    this.#changed.clear()
    this.#underWay.clear()
    for (const day of changed) this.#remember(day)
    this.#loaded = true
  }

  /** To be asked with what was planned by memory; the answer goes to `isCurrent`. */
  get stateSql(): string {
    return `SELECT LAST("until") FROM ${this.#inPolicy(stateMeasurement)}`
  }

  /** Whether the database still has what memory says of it. */
  isCurrent(rows: readonly (readonly unknown[])[], plannedMs: number): boolean {
    return plannedMs === Number.NEGATIVE_INFINITY || numberIn(rows[0], 1) >= plannedMs
  }

  /** What rollups can answer of one place. */
  rolledOf(key: string): Rolled {
    const days = [...(this.#changed.get(key)?.keys() ?? []), ...(this.#underWay.get(key) ?? [])]
    const spans: Span[] = []
    const { untilMs, rawFromMs } = this.#state
    let fromMs = Number.NEGATIVE_INFINITY
    for (const day of days.sort((a, b) => a - b)) {
      const toMs = Math.min(day * dayMs, untilMs)
      if (fromMs < toMs) spans.push({ fromMs, toMs })
      fromMs = Math.max(fromMs, (day + 1) * dayMs)
    }
    if (fromMs < untilMs) spans.push({ fromMs, toMs: untilMs })
    return { spans, rawFromMs }
  }

  /** Whether a reading of that time changes what is rolled up, and nobody has noted it yet. */
  isChange(key: string, timeMs: number): boolean {
    if (timeMs >= this.#trackedMs || timeMs < this.#state.rawFromMs) return false
    return !(this.#changed.get(key)?.has(Math.floor(timeMs / dayMs)) ?? false)
  }

  /** Nothing before this is a change for `isChange`; -Infinity: nothing is rolled up. */
  get trackedMs(): number {
    return this.#trackedMs
  }

  /** Only where no write is under way. Everything that is written from now on before `timeMs` is noted. */
  track(timeMs: number): void {
    this.#trackedMs = Math.max(this.#trackedMs, timeMs)
  }

  /** Resolves once they are noted in the database. Like all writes, one at a time. */
  async note(days: readonly ChangedDay[]): Promise<void> {
    await this.#writeNotes(days, 1)
    // Not before: what is remembered is not noted again when the write is repeated.
    for (const day of days) this.#remember(day)
  }

  /** They hold what no rollup can say: noted, and left alone. */
  async giveUp(days: readonly ChangedDay[]): Promise<void> {
    for (const day of days) this.#hopeless.add(hopelessKey(day))
    await this.note(days)
  }

  /** Everything before `untilMs` is rolled up. */
  async reach(untilMs: number, nowMs: number): Promise<void> {
    await this.#writeState({ ...this.#state, untilMs }, nowMs)
    this.track(untilMs)
  }

  /** Raw readings before this are gone; -Infinity: nowhere. */
  async loseRaw(rawFromMs: number, nowMs: number): Promise<void> {
    if (rawFromMs !== this.#state.rawFromMs) await this.#writeState({ ...this.#state, rawFromMs }, nowMs)
    for (const [key, days] of this.#changed)
      for (const day of days.keys()) if ((day + 1) * dayMs <= rawFromMs) this.#changed.get(key)?.delete(day)
  }

  /** Takes up to `most` changed days of one measurement, the oldest first; they count as changed until `finish`. */
  begin(most: number): readonly ChangedDay[] {
    const all = [...this.#changed.values()]
      .flatMap((days) => [...days.values()])
      .filter((changed) => !this.#hopeless.has(hopelessKey(changed)))
      .sort((a, b) => a.day - b.day)
    const some = all.filter(({ measurement }) => measurement === all[0]?.measurement).slice(0, most)
    for (const { measurement, device, number, day } of some) {
      const key = placeKey(measurement, device, number)
      this.#changed.get(key)?.delete(day)
      this.#underWay.set(key, (this.#underWay.get(key) ?? new Set()).add(day))
    }
    return some
  }

  /** They are rolled up again, or not; what has changed once more meanwhile remains to be done. Like all writes, one at a time. */
  async finish(days: readonly ChangedDay[], done: boolean): Promise<void> {
    const over = days.filter(({ measurement, device, number, day }) => {
      const again = this.#changed.get(placeKey(measurement, device, number))?.has(day) ?? false
      return done && !again
    })
    try {
      await this.#writeNotes(over, 0)
    } catch (error) {
      for (const day of days) this.#remember(day)
      throw error
    } finally {
      for (const { measurement, device, number, day } of days)
        this.#underWay.get(placeKey(measurement, device, number))?.delete(day)
    }
    if (!done) for (const day of days) this.#remember(day)
  }

  #remember(changed: ChangedDay): void {
    const key = placeKey(changed.measurement, changed.device, changed.number)
    this.#changed.set(key, (this.#changed.get(key) ?? new Map()).set(changed.day, changed))
  }

  #inPolicy(measurement: string): string {
    const policy = this.policy === undefined ? '' : `${quoteName(this.policy)}.`
    return `${policy}${quoteCarried(measurement)}`
  }

  async #readState(): Promise<State> {
    const sql = `SELECT LAST("until"), "raw_from" FROM ${this.#inPolicy(stateMeasurement)}`
    for await (const { rows } of this.#connection.query(sql)) {
      const rawFromMs = numberIn(rows[0], 2)
      return {
        untilMs: numberIn(rows[0], 1),
        rawFromMs: Number.isNaN(rawFromMs) || rawFromMs === noTime ? Number.NEGATIVE_INFINITY : rawFromMs,
      }
    }
    return nothing
  }

  async #readNotes(): Promise<readonly ChangedDay[]> {
    const noted: ChangedDay[] = []
    const tags = [measurementTag, deviceTag, deviceNumberTag]
    const sql = `SELECT "again" FROM ${this.#inPolicy(changedMeasurement)} GROUP BY ${tags.map(quoteName).join(', ')}`
    for await (const { tags: of, rows } of this.#connection.query(sql)) {
      const [measurement = '', device = '', number = ''] = tags.map((tag) => of[tag] ?? '')
      for (const row of rows)
        if (numberIn(row, 1) === 1)
          noted.push({ measurement, device, number, day: Math.floor(numberIn(row, 0) / dayMs) })
    }
    return noted
  }

  async #writeState(state: State, nowMs: number): Promise<void> {
    const rawFrom = Number.isFinite(state.rawFromMs) ? state.rawFromMs : noTime
    const until = Number.isFinite(state.untilMs) ? `until=${state.untilMs}i,` : ''
    // A point a day: always one within any retention, and never many.
    const line = `${lineMeasurement(stateMeasurement)} ${until}raw_from=${rawFrom}i ${Math.floor(nowMs / dayMs) * dayMs}`
    await this.#connection.write(line, this.policy)
    this.#state = state
  }

  async #writeNotes(days: readonly ChangedDay[], again: 0 | 1): Promise<void> {
    if (days.length === 0) return
    const lines = days.map(({ measurement, device, number, day }) => {
      const numberPart = number === '' ? '' : `,${deviceNumberTag}=${number}`
      const head = `${lineMeasurement(changedMeasurement)},${measurementTag}=${lineKeyCarried(measurement)}`
      return `${head},${deviceTag}=${lineKeyCarried(device)}${numberPart} again=${again}i ${day * dayMs}`
    })
    try {
      await this.#connection.write(lines.join('\n'), this.policy)
    } catch (error) {
      // So old that the server does not keep it: nor does it the readings.
      if (!isPartialWrite(error) || !error.message.includes('beyond retention policy')) throw error
    }
  }
}

function hopelessKey({ measurement, device, number, day }: ChangedDay): string {
  return `${placeKey(measurement, device, number)}\0${day}`
}
