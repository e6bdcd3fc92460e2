import type { Logger } from 'pino'
import type { Clock } from '../model/index.ts'
import type { CompactableStore, ReadingStore } from '../store/readings/index.ts'

export interface NightlyConfig {
  /** Whole UTC days of raw readings that are kept. */
  readonly retentionDays: number
  /** Of rollups; fewer than of the readings count as as many. */
  readonly rollupRetentionDays: number
  /** Hour of the day, UTC, at which the work begins. */
  readonly hourUtc: number
}

export interface NightlyDeps {
  readonly readings: Pick<ReadingStore, 'expire'> & { readonly compact: CompactableStore['compact'] | undefined }
  /** Removes the oldest resolved alerts beyond the bound. */
  readonly trimAlerts: () => Promise<number>
  /** Removes what was answered to requests with an Idempotency-Key more than a day ago. */
  readonly trimAnswers: () => Promise<number>
  readonly clock: Clock
  readonly logger: Logger
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** Epoch ms of the next time that it is `hourUtc` o'clock, later than `nowMs`. */
export function nextNightMs(nowMs: number, hourUtc: number): number {
  const today = Math.floor(nowMs / dayMs) * dayMs + hourUtc * hourMs
  return today > nowMs ? today : today + dayMs
}

/**
 * Once a day: alerts, answers and readings that have served their time go, and the day that has closed is sorted by device, which makes
 * questions about one device several times faster. A failure is logged and the next night tries again.
 */
export function createNightly(config: NightlyConfig, deps: NightlyDeps): { start(): void; stop(): Promise<void> } {
  const { readings, trimAlerts, trimAnswers, clock, logger } = deps
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let stopped = false

  async function work(nowMs: number): Promise<void> {
    const todayMs = Math.floor(nowMs / dayMs) * dayMs
    try {
      await trimAlerts()
      await trimAnswers()
      await readings.expire(todayMs - config.retentionDays * dayMs, todayMs - config.rollupRetentionDays * dayMs)
      if (stopped || readings.compact === undefined) return
      const rows = await readings.compact(todayMs - dayMs)
      logger.info({ rows, day: new Date(todayMs - dayMs).toISOString().slice(0, 10) }, 'readings sorted')
    } catch (error) {
      logger.error({ err: error }, 'nightly work failed')
    }
  }

  function schedule(): void {
    if (stopped) return
    const nowMs = clock.now()
    timer = setTimeout(() => {
      running = work(clock.now()).then(schedule)
    }, nextNightMs(nowMs, config.hourUtc) - nowMs)
    timer.unref()
  }

  return {
    start: schedule,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
