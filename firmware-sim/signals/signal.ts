/** The values of one message, metric by metric, in the profile's units. */
export type Sample = Readonly<Record<string, number>>

/** What one device measures. Times must ascend from call to call: a register counts on from the sample before. */
export interface Signal {
  /**
   * `forced`: a fault at the point. Those values take the place of what would be measured, and what is computed from
   * them follows; each signal says which of its metrics can be forced.
   */
  sample(timeMs: number, forced?: Sample): Sample
}

export interface SignalOptions {
  /** The same seed gives the same device. */
  readonly seed: number
  /** Epoch ms of the first sample at the earliest; registers start counting here. */
  readonly startMs: number
  /** What the device's local day is ahead of UTC, ms. */
  readonly utcOffsetMs: number
}

export function roundTo(value: number, decimals: number): number {
  const scale = 10 ** decimals
  return Math.round(value * scale) / scale
}
