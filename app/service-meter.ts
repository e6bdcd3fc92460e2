import type { Logger } from 'pino'
import {
  type Clock,
  emptyCounts,
  heartbeatMs,
  type ServiceCounts,
  type ServiceMeasure,
  serviceMeasures,
} from '../model/index.ts'
import type { ServiceStore } from '../store/state/index.ts'

export interface ServiceMeterDeps {
  readonly store: Pick<ServiceStore, 'report' | 'trim'>
  readonly clock: Clock
  readonly logger: Logger
}

/** Counts what the platform's service levels are made of, and writes it down with each heartbeat. */
export interface ServiceMeter {
  start(): void
  /** Writes down what is left. */
  stop(): Promise<void>
  /** A request to the API got its answer. */
  answered(durationMs: number, status: number): void
  /** A request that may be answered from a cache was, or was not. */
  cacheAsked(hit: boolean): void
  /** A mail was handed over, or given up. */
  mailDone(sent: boolean): void
  /** A provider accepted the news that an alert fires, so long after the message that made it fire was received. */
  alertTold(durationMs: number): void
}

const dayMs = 86_400_000

export function createServiceMeter({ store, clock, logger }: ServiceMeterDeps): ServiceMeter {
  let counts = emptyCounts()
  let startedMs = 0
  let trimmedDay = -1
  let failing = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let stopped = false

  async function report(): Promise<void> {
    const nowMs = clock.now()
    const taken = counts
    counts = emptyCounts()
    try {
      await store.report({ startedMs, nowMs, counts: taken })
      const day = Math.floor(nowMs / dayMs)
      if (day !== trimmedDay) await store.trim(nowMs)
      trimmedDay = day
      if (failing) logger.info('service levels are recorded again')
      failing = false
    } catch (error) {
      addUp(counts, taken)
      if (!failing) logger.warn({ err: error }, 'service levels not recorded')
      failing = true
    }
  }

  function schedule(): void {
    if (stopped) return
    timer = setTimeout(() => {
      running = report().then(schedule)
    }, heartbeatMs)
    timer.unref()
  }

  return {
    start() {
      if (running !== undefined) return
      startedMs = clock.now()
      running = report().then(schedule)
    },
    async stop() {
      if (stopped) return
      stopped = true
      clearTimeout(timer)
      if (running === undefined) return
      await running
      await report()
    },
    answered(durationMs, status) {
      counts.api.total++
      if (status >= 500) counts.api.bad++
      counts.api.durations.add(durationMs)
    },
    cacheAsked(hit) {
      counts.cache.total++
      if (!hit) counts.cache.bad++
    },
    mailDone(sent) {
      counts.mail.total++
      if (!sent) counts.mail.bad++
    },
    alertTold(durationMs) {
      counts.alert.total++
      counts.alert.durations.add(durationMs)
    },
  }
}

function addUp(
  to: Readonly<Record<ServiceMeasure, ServiceCounts>>,
  from: Readonly<Record<ServiceMeasure, ServiceCounts>>,
): void {
  for (const measure of serviceMeasures) {
    const { total, bad, durations } = from[measure]
    to[measure].total += total
    to[measure].bad += bad
    to[measure].durations.addSteps(durations.steps())
  }
}
