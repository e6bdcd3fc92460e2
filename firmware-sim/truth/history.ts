import type { Sample } from '../signals/signal.ts'
import type { Span } from './span.ts'

/** Values of one time in one message. */
export interface SentRow {
  /** As the device's clock said, epoch ms. */
  readonly timeMs: number
  readonly values: Sample
  /**
   * `own`: stored under its time. `ahead`: too far ahead of the platform's clock to be believed, so it is stored under
   * the time of its arrival and reaches no rule.
   */
  readonly clock: 'own' | 'ahead'
}

/** One message that the platform got, or may have got, from a device or for it. */
export interface SentMessage {
  readonly sentMs: number
  /** When its acknowledgement came; undefined: not yet, so it may not have arrived. */
  ackedMs: number | undefined
  /** What of it can be used, in the order of the payload. */
  readonly rows: readonly SentRow[]
  /** Why the platform must list it as rejected, in whole or in part. */
  readonly rejected?: string
  /** The broker says it in the device's name once it notices that the connection is lost; when exactly, nobody knows. */
  readonly will?: true
}

/** What one simulated device did, in the order in which the platform was told. */
export interface DeviceHistory {
  readonly deviceId: string
  readonly siteId: string
  readonly profileId: string
  readonly reportingIntervalMs: number
  /** When it was registered. */
  readonly registered: Span
  readonly messages: readonly SentMessage[]
}

/** When the platform received it: between the sending and the acknowledgement. */
export function receivedSpan({ sentMs, ackedMs }: SentMessage): Span {
  return { fromMs: sentMs, toMs: ackedMs ?? Number.POSITIVE_INFINITY }
}
