/** One value that a client sent, and whether it holds an acknowledgement for it. */
export interface SentReading {
  readonly deviceId: string
  readonly metric: string
  /** Undefined: sent without a time, so the platform stamps it; its value is then unique. */
  readonly timeMs: number | undefined
  readonly value: number
  acked: boolean
}

export interface SentMessage {
  readonly topic: string
  readonly payload: string
  readonly readings: readonly SentReading[]
}

/** Everything that all clients sent. A reading enters it before its message leaves. */
export interface Ledger {
  readonly readings: readonly SentReading[]
  record(message: SentMessage): void
}

export function createLedger(): Ledger {
  const readings: SentReading[] = []
  return { readings, record: (message) => void readings.push(...message.readings) }
}

export function markAcked(message: SentMessage): void {
  for (const reading of message.readings) reading.acked = true
}
