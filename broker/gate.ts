import type { LogAppender } from '../store/log/index.ts'
import type { BrokerConfig } from './config.ts'
import type { Connection } from './connection.ts'
import type { Fanout } from './fanout.ts'

/**
 * One valve for everybody: shut while more waits for the disk, or for subscribers, than may be held in memory. It opens
 * again at half of that.
 */
export interface Gate {
  readonly shut: boolean
  /** `proceed` is called on the connection when the gate has opened. */
  wait(connection: Connection): void
  forget(connection: Connection): void
  /** To be called when something that was waiting is done: looks again at the end of this turn of the event loop. */
  checkSoon(): void
}

export function createGate(
  config: Pick<BrokerConfig, 'waitingBytes' | 'fanoutPending'>,
  appender: LogAppender,
  fanout: Fanout,
): Gate {
  const waiting = new Set<Connection>()
  let shut = false
  let scheduled = false

  function isOver(share: number): boolean {
    return appender.waitingBytes >= config.waitingBytes * share || fanout.pending >= config.fanoutPending * share
  }

  function check(): void {
    scheduled = false
    if (isOver(0.5)) return
    shut = false
    const freed = [...waiting]
    waiting.clear()
    for (const connection of freed) connection.proceed()
  }

  return {
    get shut() {
      if (!shut) shut = isOver(1)
      return shut
    },
    wait(connection) {
      waiting.add(connection)
    },
    forget(connection) {
      waiting.delete(connection)
    },
    checkSoon() {
      if (!shut || scheduled) return
      scheduled = true
      process.nextTick(check)
    },
  }
}
