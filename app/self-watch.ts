import type { Logger } from 'pino'
import type { BrokerStatus } from '../api/index.ts'
import type { IngestStats } from '../ingest/index.ts'
import { burnMetric, burnRate, type Clock, type ServiceRecord, serviceLevels } from '../model/index.ts'
import type { LogStats } from '../store/log/index.ts'

export interface MailStats {
  /** Attempts that failed, since the start of the process. */
  readonly failuresTotal: number
  readonly waiting: number
}

export interface SelfWatchDeps {
  readonly log: () => Promise<Pick<LogStats, 'bytes'>>
  readonly broker: () => Promise<Pick<BrokerStatus, 'ackedTotal'>>
  readonly ingest: () => Promise<Pick<IngestStats, 'messages' | 'lagBytes' | 'storeDown'>>
  readonly mail: () => Promise<MailStats>
  /** Free share of the disk that holds the data, in percent. */
  readonly diskFreePercent: () => Promise<number>
  readonly residentBytes: () => number
  /** Of the last hour. */
  readonly service: () => Promise<ServiceRecord>
  /** Appends a reading of the device `platform` to the log. */
  readonly publish: (payload: Uint8Array) => Promise<unknown>
  readonly clock: Clock
  readonly logger: Logger
}

interface Totals {
  readonly timeMs: number
  readonly acked: number
  readonly messages: number
  readonly mailFailures: number
}

const encoder = new TextEncoder()

/**
 * The platform's own metrics, as readings of the built-in device `platform`: they go through the same log as every
 * other, so ordinary rules watch them. Rates are those since the reading before.
 */
export function createSelfWatch(intervalMs: number, deps: SelfWatchDeps): { start(): void; stop(): Promise<void> } {
  const { clock, logger } = deps
  let before: Totals | undefined
  let failing = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let stopped = false

  async function measure(): Promise<Record<string, number>> {
    const [log, broker, ingest, mail, diskFree, service] = await Promise.all([
      deps.log(),
      deps.broker(),
      deps.ingest(),
      deps.mail(),
      deps.diskFreePercent(),
      deps.service(),
    ])
    const now = {
      timeMs: clock.now(),
      acked: broker.ackedTotal,
      messages: ingest.messages,
      mailFailures: mail.failuresTotal,
    }
    const last = before ?? now
    before = now
    const seconds = Math.max((now.timeMs - last.timeMs) / 1000, 0.001)
    return {
      log_lag_bytes: ingest.lagBytes,
      log_bytes: log.bytes,
      disk_free: diskFree,
      memory_rss: deps.residentBytes(),
      acks_per_s: (now.acked - last.acked) / seconds,
      messages_per_s: (now.messages - last.messages) / seconds,
      mail_failures: now.mailFailures - last.mailFailures,
      mails_waiting: mail.waiting,
      store_down: ingest.storeDown ? 1 : 0,
      ...Object.fromEntries(serviceLevels.map((level) => [burnMetric(level.name), burnRate(level, service)])),
    }
  }

  async function turn(): Promise<void> {
    try {
      await deps.publish(encoder.encode(JSON.stringify(await measure())))
      if (failing) logger.info('platform metrics are recorded again')
      failing = false
    } catch (error) {
      if (!failing && !stopped) logger.warn({ err: error }, 'platform metrics not recorded')
      failing = true
    }
  }

  function schedule(): void {
    if (stopped) return
    timer = setTimeout(() => {
      running = turn().then(schedule)
    }, intervalMs)
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
