import { pino } from 'pino'
import { vi } from 'vitest'
import {
  createIngest,
  createSeriesNames,
  type Ingest,
  type IngestConfig,
  type IngestDeps,
  type IngestLedger,
  type IngestSeries,
  ingestConfigSchema,
  type RejectedMessage,
  rejectReasons,
  type SnapshotFiles,
} from '../../ingest/index.ts'
import { parseDeviceId, parseScalarTopic, type SeriesId, type TopicRules } from '../../model/index.ts'
import type { LogPosition, LogReader } from '../../store/log/index.ts'
import type { ReadingStore, SeriesInfo } from '../../store/readings/index.ts'
import { createMemoryReadings, testLogId } from '../store/readings/memory-readings.ts'
import { FrameScript, noon } from './frame-script.ts'

export const topics: TopicRules = {
  scalarTopics: [parseScalarTopic('panel/{device}/{metric}')],
  metricNames: new Map([['volt', 'voltage']]),
}

/** `[time, value, quality]`; the time relative to noon. */
export type StoredReading = readonly [number, number, number]

/** What an evaluator makes, and where it has that recorded: of a rule engine, transitions and their sink. */
export interface Effect {
  readonly position: LogPosition
}
export interface EffectSink {
  position(): Promise<LogPosition>
  record(effects: readonly Effect[], position: LogPosition): Promise<void>
}

/** What survives a crash of ingest: the log, the stores and the snapshots; in plain memory. */
export class World {
  readonly script = new FrameScript().profiles()
  readonly series: SeriesInfo[] = []
  readonly rejected: RejectedMessage[] = []
  /** What state has handed out, unless it is as should be. */
  numbers: { readonly device: number; readonly series: number } | undefined
  readonly snapshots = new Map<number, Uint8Array>()
  released = 0
  /** Called before each durable step, with its name; throws to make it fail. */
  fault: (step: string) => void = () => {}
  /** Awaited before readings are written. */
  pace: () => Promise<void> = async () => {}
  /** What evaluators had recorded. */
  readonly recorded: Effect[] = []
  readonly failures: unknown[] = []
  readonly logger = pino({ level: 'silent' })
  readonly #readings: ReadingStore = createMemoryReadings({ get: (id) => this.series[id - 1] })
  #readingsPosition = 0
  #ledgerPosition = 0
  #recordedPosition = 0
  /** Readings handed to the store, those written once more included. */
  written = 0
  largestBatch = 0
  tail = 0

  readonly log: LogReader = {
    read: async (position, maxBytes) => {
      const { ends } = this.script
      const from = ends.indexOf(position)
      if (from < 0) throw new RangeError(`no frame ends at ${position}`)
      let to = from
      while (to + 1 < ends.length && (to === from || (ends[to + 1] ?? 0) - position <= maxBytes)) to++
      const end = ends[to] ?? position
      return { start: position, bytes: this.script.bytes().subarray(position, end), end }
    },
    waitForMore: (position, signal) => {
      if (signal.aborted || this.script.length > position) return Promise.resolve()
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true })
        this.#waiting.push(resolve)
      })
    },
    release: (_, position) => {
      this.released = position
    },
    stats: () => ({
      tail: this.tail,
      head: this.script.length,
      durable: this.script.length,
      bytes: this.script.length,
      maxBytes: 1e9,
      full: false,
      commits: 0,
      consumers: [],
    }),
    close: async () => {},
  }
  #waiting: (() => void)[] = []

  /** Says that the script has grown. */
  announce(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  readonly readings: ReadingStore = {
    ...this.#readings,
    write: async (batch, position) => {
      await this.pace()
      this.fault('write readings')
      if (position <= this.#readingsPosition) throw new RangeError(`${position} is behind ${this.#readingsPosition}`)
      this.#readingsPosition = position
      this.written += batch.length
      this.largestBatch = Math.max(this.largestBatch, batch.length)
      const outcome = await this.#readings.write(batch, position)
      this.fault('readings written')
      return outcome
    },
  }

  readonly registry: IngestSeries = {
    ensure: async (wanted) => {
      this.fault('name series')
      return wanted.map((request) => {
        const known = this.series.find((s) => s.deviceNumber === request.deviceNumber && s.metric === request.metric)
        if (known !== undefined) return known
        const made = { ...request, seriesId: this.series.length + 1 }
        this.series.push(made)
        return made
      })
    },
    highest: async () => this.numbers ?? { device: 1e6, series: this.series.length },
    list: async ({ limit, after = 0 }) => {
      const items = this.series.filter(({ seriesId }) => seriesId > after).slice(0, limit)
      const last = items.at(-1)?.seriesId ?? after
      return { items, next: last < this.series.length ? last : null }
    },
  }

  readonly ledger: IngestLedger = {
    position: async () => this.#ledgerPosition,
    commit: async (_, position, rejected) => {
      this.fault('list rejected')
      if (position <= this.#ledgerPosition) throw new RangeError(`${position} is behind ${this.#ledgerPosition}`)
      // The rows are ours, made from RejectedMessages.
      for (const row of rejected) this.rejected.push({ ...row, reason: reasonOf(row.reason) })
      this.#ledgerPosition = position
      this.fault('rejected listed')
    },
  }

  readonly sink: EffectSink = {
    position: async () => this.#recordedPosition,
    record: async (effects, position) => {
      this.fault('record effects')
      // Said to have failed, and repeated.
      if (position === this.#recordedPosition) return
      const strays = effects.filter((effect) => effect.position > position || effect.position <= this.#recordedPosition)
      if (strays.length > 0 || position < this.#recordedPosition)
        throw new RangeError(`${strays.length} effects outside of ${this.#recordedPosition} to ${position}`)
      this.recorded.push(...effects)
      this.#recordedPosition = position
      this.fault('effects recorded')
    },
  }

  readonly files: SnapshotFiles = {
    list: async () => [...this.snapshots.keys()].sort((a, b) => b - a).map((position) => ({ position })),
    read: async (position) => this.snapshots.get(position) ?? new Uint8Array(0),
    write: async (position, parts) => {
      this.fault('save snapshot')
      this.snapshots.set(position, Buffer.concat(parts.map((part) => Buffer.from(part))))
      this.fault('snapshot saved')
    },
    remove: async (position) => {
      this.snapshots.delete(position)
    },
  }

  ingest(config: Partial<IngestConfig> = {}, more: Partial<IngestDeps> = {}): Ingest {
    return createIngest(ingestConfigSchema.parse({ idleCommitMs: 0, ...config }), {
      logId: testLogId,
      log: this.log,
      reopenLog: () => this.log,
      readings: this.readings,
      series: createSeriesNames(this.registry),
      ledger: this.ledger,
      snapshots: this.files,
      topics,
      clock: { now: () => noon },
      logger: this.logger,
      onFailure: (error) => this.failures.push(error),
      ...more,
    })
  }

  /** Reads the whole script with a new ingest and stops it. */
  async digest(config: Partial<IngestConfig> = {}, more: Partial<IngestDeps> = {}): Promise<Ingest> {
    const ingest = this.ingest(config, more)
    await ingest.start()
    await this.caughtUp(ingest)
    await ingest.stop()
    return ingest
  }

  /** Resolves once everything in the log is stored. */
  async caughtUp(ingest: Ingest): Promise<void> {
    this.announce()
    for (;;) {
      const failure = this.failures[0]
      if (failure !== undefined) throw failure
      const { position } = await ingest.queries.stats()
      if (position === this.script.length) return
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  seriesId(deviceId: string, metric: string): SeriesId | undefined {
    return this.series.find((s) => s.deviceId === deviceId && s.metric === metric)?.seriesId
  }

  async stored(deviceId: string, metric: string): Promise<readonly StoredReading[]> {
    const seriesId = this.seriesId(deviceId, metric)
    return seriesId === undefined ? [] : this.#storedOf(seriesId)
  }

  /** Everything stored, in a form that two worlds can be compared by. */
  async content(): Promise<Readonly<Record<string, readonly StoredReading[]>>> {
    const entries = await Promise.all(
      this.series.map(async ({ seriesId, deviceId, deviceNumber, metric }) => {
        return [`${deviceId} ${deviceNumber} ${metric}`, await this.#storedOf(seriesId)] as const
      }),
    )
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  async #storedOf(seriesId: SeriesId): Promise<readonly StoredReading[]> {
    const columns = await this.#readings.range({ seriesId, fromMs: -1e15, toMs: 1e15, limit: 1e6 })
    return Array.from(columns.timesMs, (timeMs, i) => [timeMs - noon, columns.values[i] ?? 0, columns.quality[i] ?? 0])
  }
}

function reasonOf(text: string): RejectedMessage['reason'] {
  const reason = rejectReasons.find((known) => known === text)
  if (reason === undefined) throw new RangeError(`no such reason: ${text}`)
  return reason
}

export const presenceOf = async (ingest: Ingest, id: string) => (await ingest.queries.presence([parseDeviceId(id)]))[0]

/** Waits until the expectation holds; how long that takes on a busy machine is nobody's promise. */
export const eventually = (expectation: () => unknown): Promise<unknown> =>
  vi.waitFor(expectation, { timeout: 30_000, interval: 5 })
