import { AppError } from '../../model/index.ts'
import type { ReadingStore, RefusedReading, SeriesInfo } from '../../store/readings/index.ts'
import { createMemoryReadings, testLogId } from '../store/readings/memory-readings.ts'

/** A readings store that somebody else keeps, in plain memory. */
export class RemoteReadings {
  reachable = true
  logId = testLogId
  /** Why a value is refused for ever. */
  refusal: (value: number) => string | undefined = () => undefined
  /** Readings handed over, those written again included. */
  written = 0
  #series: readonly SeriesInfo[]
  #memory: ReadingStore
  #position = 0
  /** Written to since it was opened or found to be empty. */
  #isEmptied = false
  #isNew = true

  constructor(series: readonly SeriesInfo[]) {
    this.#series = series
    this.#memory = this.#fresh()
  }

  /** Dropped and made again behind everybody's back. */
  empty(): void {
    this.#memory = this.#fresh()
    this.#position = 0
    this.#isEmptied = !this.#isNew
    this.#isNew = true
  }

  readonly store: ReadingStore = {
    remote: true,
    open: async () => {
      this.#check()
      this.#isEmptied = false
      const { highestDevice, highestSeries } = await this.#memory.open()
      const logId = this.#isNew ? undefined : this.logId
      this.#isNew = false
      return { position: this.#position, logId, highestDevice, highestSeries }
    },
    write: async (batch, position) => {
      this.#check()
      if (this.#isEmptied) {
        this.#isEmptied = false
        throw new AppError('store_emptied', 'nothing is there any more')
      }
      this.#isNew = false
      const refused: RefusedReading[] = []
      for (let index = 0; index < batch.length; index++) {
        const reason = this.refusal(batch.values[index] ?? 0)
        if (reason !== undefined) refused.push({ index, reason })
      }
      this.written += batch.length
      await this.#memory.write(batch, position)
      this.#position = position
      return { refused }
    },
    range: (query) => this.#memory.range(query),
    buckets: (query) => this.#memory.buckets(query),
    latest: (seriesIds) => this.#memory.latest(seriesIds),
    expire: (beforeMs) => this.#memory.expire(beforeMs),
    stats: () => this.#memory.stats(),
    close: async () => {},
  }

  #fresh(): ReadingStore {
    return createMemoryReadings({ get: (id) => this.#series[id - 1] })
  }

  #check(): void {
    if (!this.reachable) throw new AppError('store_unavailable', 'nobody answers', { retryable: true })
  }
}
