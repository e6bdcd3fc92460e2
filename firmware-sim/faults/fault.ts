import type { Device } from '../device.ts'
import type { SimulatedProfile } from '../signals/profiles.ts'
import type { Sample } from '../signals/signal.ts'
import type { SentMessage, SentRow } from '../truth/history.ts'

/** What a fault can do with the device that has it. */
export interface FaultyFirmware {
  readonly device: Pick<Device, 'connected' | 'send' | 'drop' | 'comeBack'>
  readonly profile: SimulatedProfile
  /** How long it may be silent before someone must notice; its profile's reporting interval. */
  readonly reportingIntervalMs: number
  /** Measures now; `forced` as in `Signal`. */
  measure(nowMs: number, forced?: Sample): SentRow
  /** Sends the rows in one message, or keeps them until there is a connection. */
  report(rows: readonly SentRow[]): void
  /** Measures nothing before it is acknowledged, nor in its millisecond. */
  waitFor(message: SentMessage): void
  /** In [0, 1). */
  random(): number
}

/** What is wrong with a device for a while; it takes the place of measuring and reporting. */
export interface Fault {
  /** Each time the device would measure; `share` of the episode, in [0, 1), is over. */
  tick(nowMs: number, share: number): void
  /** What was wrong is repaired. */
  end(): void
}

/** `episode`: 0 for the device's first, then 1, …: a fault with variants takes them in turn. */
export type FaultFactory = (firmware: FaultyFirmware, episode: number) => Fault

/** The payload of one row or several; native telemetry. */
export function payloadOf(rows: readonly SentRow[]): string {
  const samples = rows.map(({ timeMs, values }) => ({ ts: timeMs, values }))
  return JSON.stringify(samples.length === 1 ? samples[0] : samples)
}
