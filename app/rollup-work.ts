import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Clock } from '../model/index.ts'
import type { RollableStore } from '../store/readings/index.ts'

export interface RollupWorkConfig {
  /** Until the first round: a start has other things to do. */
  readonly firstMs: number
  /** Between rounds. */
  readonly everyMs: number
}

export interface RollupWorkDeps {
  readonly readings: Pick<RollableStore, 'rollUp'>
  readonly clock: Clock
  readonly logger: Logger
}

const minuteMs = 60_000
export const rollupWorkConfig: RollupWorkConfig = { firstMs: minuteMs, everyMs: 15 * minuteMs }
/** What is newer still comes, and is answered from the readings fast enough. */
const ageMs = 15 * minuteMs
/** Of the rounds every so many roll up again what has changed: a device that is always late would have its day read each time. */
const againEvery = 4
/** A round that takes longer than this, such as the first in an old store, says where it is. */
const tellMs = 10_000

/**
 * Keeps the rollups up with the readings, a quarter of an hour behind, in steps that leave the store as long again to
 * others. A failure is logged and the next round tries again.
 */
export function createRollupWork(
  config: RollupWorkConfig,
  deps: RollupWorkDeps,
): { start(): void; stop(): Promise<void> } {
  const { readings, clock, logger } = deps
  const stopping = new AbortController()
  const { signal } = stopping
  let running: Promise<void> = Promise.resolve()

  async function round(what: 'new' | 'all'): Promise<void> {
    const beganMs = clock.now()
    let toldMs = beganMs
    while (!signal.aborted) {
      const stepMs = clock.now()
      const step = await readings.rollUp(beganMs - ageMs, what)
      const nowMs = clock.now()
      if (step === undefined) {
        if (toldMs > beganMs) logger.info({ tookS: Math.round((nowMs - beganMs) / 1_000) }, 'readings are rolled up')
        return
      }
      if (nowMs - toldMs >= tellMs && Number.isFinite(step.untilMs)) {
        logger.info({ until: new Date(step.untilMs).toISOString() }, 'readings are being rolled up')
        toldMs = nowMs
      }
      await delay(Math.max(1, nowMs - stepMs), undefined, { signal })
    }
  }

  async function run(): Promise<void> {
    let failing = false
    for (let n = 0; ; n++) {
      await delay(n === 0 ? config.firstMs : config.everyMs, undefined, { signal, ref: false })
      try {
        await round(n % againEvery === 0 ? 'all' : 'new')
        failing = false
      } catch (error) {
        if (signal.aborted) return
        if (!failing) logger.warn({ err: error }, 'rolling up readings failed; the next round tries again')
        failing = true
      }
    }
  }

  return {
    start() {
      running = run().catch(() => {
        // Only a stop ends it.
      })
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}
