import type { LogAppender } from '../store/log/index.ts'
import type { BrokerConfig } from './config.ts'
import type { Fanout } from './fanout.ts'
import type { Pace } from './pace.ts'

/**
 * One valve for everybody: shut while more waits for the disk, or for subscribers, than may be held in memory, until it
 * is half of that; and while publishers outrun who reads the log.
 */
export interface Gate {
  readonly shut: boolean
  /** `proceed` is called on the connection when the gate has opened; those that waited longest come first. */
  wait(connection: Waiting): void
  forget(connection: Waiting): void
  /** To be called when something that was waiting is done: looks again at the end of this turn of the event loop. */
  checkSoon(): void
}

/** A connection whose socket is not read. */
export interface Waiting {
  proceed(): void
}

export interface GateDeps {
  readonly appender: Pick<LogAppender, 'waitingBytes'>
  readonly fanout: Pick<Fanout, 'pending'>
  readonly pace: Pick<Pace, 'holds' | 'rest'>
}

/** Not everything that it waits for says when it is done: while somebody waits, it looks again this often. */
const checkMs = 20

export function createGate(
  config: Pick<BrokerConfig, 'waitingBytes' | 'fanoutPending'>,
  { appender, fanout, pace }: GateDeps,
): Gate {
  const waiting = new Set<Waiting>()
  let shut = false
  let scheduled = false
  let timer: NodeJS.Timeout | undefined

  function isOver(share: number): boolean {
    if (appender.waitingBytes >= config.waitingBytes * share || fanout.pending >= config.fanoutPending * share)
      return true
    return pace.holds()
  }

  function isShut(): boolean {
    if (!shut) shut = isOver(1)
    return shut
  }

  function check(): void {
    scheduled = false
    if (isOver(0.5)) return
    shut = false
    // Whoever is stopped again waits behind the others.
    for (const connection of waiting) {
      if (isShut()) return
      waiting.delete(connection)
      connection.proceed()
    }
    stopWhenNobodyWaits()
  }

  function stopWhenNobodyWaits(): void {
    if (waiting.size > 0) return
    clearInterval(timer)
    timer = undefined
    pace.rest()
  }

  return {
    get shut() {
      return isShut()
    },
    wait(connection) {
      waiting.add(connection)
      timer ??= setInterval(check, checkMs)
    },
    forget(connection) {
      waiting.delete(connection)
      stopWhenNobodyWaits()
    },
    checkSoon() {
      if (!shut || scheduled) return
      scheduled = true
      process.nextTick(check)
    },
  }
}
