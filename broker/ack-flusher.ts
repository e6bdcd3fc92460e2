import type { Connection } from './connection.ts'

export interface AckFlusher {
  add(connection: Connection): void
}

/** The acks that one commit of the log brings leave at its end, one write per connection. */
export function createAckFlusher(): AckFlusher {
  let waiting: Connection[] = []

  function flush(): void {
    const connections = waiting
    waiting = []
    for (const connection of connections) connection.flushAcks()
  }

  return {
    add(connection) {
      if (waiting.push(connection) === 1) process.nextTick(flush)
    },
  }
}
