import { AppError } from '../model/index.ts'
import type { LogAppender, LogPosition, LogReader } from '../store/log/index.ts'
import type { BrokerConfig } from './config.ts'

/** Of what the consumer reads, so much may be appended meanwhile: it catches up, if slowly. */
const share = 0.95
/** A consumer that has not read on for so long has stopped: the log takes over, up to its own bounds. */
const stoppedMs = 5_000

/**
 * How many bytes publishers may append before the consumer is looked at again. While it is at most `paceBytes` behind,
 * or has stopped, `burstBytes` every time; else a share of what it has read since, and no more than `burstBytes` is saved
 * up. So as long as it reads it falls no further behind than the two together and a message; after an outage it catches up.
 */
export class PaceCredit {
  readonly burstBytes: number
  readonly #paceBytes: number
  #bytes = 0
  #position: LogPosition | undefined
  #readOnMs = Number.NEGATIVE_INFINITY

  constructor(paceBytes: number) {
    this.#paceBytes = paceBytes
    this.burstBytes = Math.ceil(paceBytes / 16)
  }

  /** What was spent beyond it is owed. */
  get used(): boolean {
    return this.#bytes <= 0
  }

  spend(bytes: number): void {
    this.#bytes -= bytes
  }

  look(position: LogPosition, lag: number, nowMs: number): void {
    // What was read before the first look is not known, nor whether the consumer reads at all.
    const read = Math.max(0, position - (this.#position ?? position))
    this.#position = position
    if (read > 0) this.#readOnMs = nowMs
    const isFree = lag <= this.#paceBytes || nowMs - this.#readOnMs >= stoppedMs
    this.#bytes = isFree ? this.burstBytes : Math.min(this.burstBytes, this.#bytes + read * share)
  }
}

/** Keeps publishers from outrunning a consumer of the log for long. Holds back by not reading; drops nothing. */
export interface Pace {
  /** To be called for each message that goes to the log. */
  spend(frameBytes: number): void
  /** Whether publishers have to wait now; asked again, it looks how far the consumer has come meanwhile. */
  holds(): boolean
  /** Nobody waits any more: the time is not counted. */
  rest(): void
  /** Time in which publishers were held back. */
  readonly heldMsTotal: number
}

export interface PaceDeps {
  readonly log: Pick<LogReader, 'stats'>
  readonly appender: Pick<LogAppender, 'waitingBytes'>
  /** Name of the log's consumer. */
  readonly consumer: string
  readonly monotonicMs: () => number
}

export function createPace({ paceBytes }: Pick<BrokerConfig, 'paceBytes'>, deps: PaceDeps): Pace {
  const { log, appender, consumer, monotonicMs } = deps
  const credit = new PaceCredit(paceBytes)
  let heldMs = 0
  let sinceMs: number | undefined

  function look(nowMs: number): void {
    const progress = log.stats().consumers.find(({ name }) => name === consumer)
    if (progress === undefined) throw new AppError('internal', `pace publishers by ${consumer}: no such consumer`)
    // What waits for the disk was let in already.
    credit.look(progress.position, progress.lag + appender.waitingBytes, nowMs)
  }

  function rest(nowMs = monotonicMs()): void {
    if (sinceMs !== undefined) heldMs += nowMs - sinceMs
    sinceMs = undefined
  }

  look(monotonicMs())
  if (paceBytes === 0) return { spend: () => {}, holds: () => false, rest: () => {}, heldMsTotal: 0 }
  return {
    spend: (frameBytes) => credit.spend(frameBytes),
    holds() {
      if (!credit.used) return false
      const nowMs = monotonicMs()
      look(nowMs)
      if (credit.used) sinceMs ??= nowMs
      else rest(nowMs)
      return credit.used
    },
    rest: () => rest(),
    get heldMsTotal() {
      return Math.round(heldMs + (sinceMs === undefined ? 0 : monotonicMs() - sinceMs))
    },
  }
}
