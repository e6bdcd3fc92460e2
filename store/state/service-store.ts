import type { ServiceCounts, ServiceMeasure, ServiceRecord, ServiceWindow } from '../../model/index.ts'

/** What one process counted since it last said so. */
export interface ServiceReport {
  /** When the process began to serve; tells it from the one before it. */
  readonly startedMs: number
  /** Alive at this time, which is also that of the counts. */
  readonly nowMs: number
  readonly counts: Readonly<Record<ServiceMeasure, ServiceCounts>>
}

/**
 * What became of the platform's service: counts by minute for a day, by hour for a month, and the spans of time in which
 * it was up. A crash loses what was counted since the last report, and no more.
 */
export interface ServiceStore {
  /** A heartbeat with its counts, in one transaction. Durable when it resolves. */
  report(report: ServiceReport): Promise<void>
  /** Whole minutes or, for 30 days, hours up to now; so what is a little older than the window is counted too. */
  read(window: ServiceWindow, nowMs: number): Promise<ServiceRecord>
  /** Removes what no window reaches any more; to be called once a day. */
  trim(nowMs: number): Promise<void>
}
