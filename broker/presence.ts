import { encodeOrigin, frameKind } from '../model/index.ts'
import type { LogAppender } from '../store/log/index.ts'
import type { CloseReason } from './connection-peers.ts'
import { appendUnawaited } from './unawaited.ts'

export interface Presence {
  brokerStarted(): void
  connected(origin: Uint8Array, session: number): void
  disconnected(origin: Uint8Array, session: number, reason: CloseReason): void
}

const nothing = new Uint8Array(0)

/** Who is here is part of the log's order: it is replayed like everything else. */
export function createPresence(appender: LogAppender): Presence {
  function append(topic: string, origin: Uint8Array, session: number, payload: Uint8Array): void {
    const frame = { kind: frameKind.presence, flags: 0, packetId: 0, session, origin, topic, payload }
    appendUnawaited(appender, frame)
  }

  return {
    brokerStarted: () => append('broker-started', encodeOrigin('', ''), 0, nothing),
    connected: (origin, session) => append('connected', origin, session, nothing),
    disconnected: (origin, session, reason) => append('disconnected', origin, session, Buffer.from(reason)),
  }
}
