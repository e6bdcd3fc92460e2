import type { Platform } from '../../../test/scenario/platform.ts'
import { waitUntil } from '../../../test/setup/wait.ts'
import { memoryMb } from '../../process-stats.ts'

const sampleMs = 250
const recoveryMs = 120_000

/** Looks at the platform's memory all the while, and waits for its store. */
export interface Watch {
  readonly maxRssAnonMb: number
  /** Seconds until everything that is in the log now is stored. */
  recovered(what: string): Promise<number>
  stop(): void
}

export function watchPlatform(platform: Platform): Watch {
  let maxRssAnonMb = 0
  const timer = setInterval(() => {
    maxRssAnonMb = Math.max(maxRssAnonMb, memoryMb(platform.pid).rssAnon)
  }, sampleMs)
  return {
    get maxRssAnonMb() {
      return maxRssAnonMb
    },
    async recovered(what) {
      const startMs = performance.now()
      const { log } = await platform.client.status()
      const stored = async () => {
        const { ingest } = await platform.client.status()
        return ingest.position >= log.durable && !ingest.storeDown
      }
      await waitUntil(`the store to have everything after ${what}`, stored, { timeoutMs: recoveryMs, everyMs: 50 })
      return (performance.now() - startMs) / 1_000
    },
    stop: () => clearInterval(timer),
  }
}
