import type { LogPosition } from '../log/index.ts'
import { textKey } from './keys.ts'
import { decodeNumber, encodeNumber } from './records.ts'
import type { SessionStore } from './session-store.ts'

/** How far retained and queued messages have been made from the log; the broker's port of that name. */
export interface FanoutLedger {
  open(): void
  readonly fanoutPosition: LogPosition
  commitFanout(position: LogPosition): Promise<void>
}

const positionKey = textKey('m', 'fanout')

export function createFanoutLedger(store: SessionStore): FanoutLedger {
  let committed: LogPosition = 0
  let written: LogPosition = 0
  return {
    open() {
      committed = decodeNumber(store.get(positionKey))
      written = committed
    },

    get fanoutPosition() {
      return committed
    },

    async commitFanout(position) {
      // Writes reach the disk in their order, so the position follows whatever was stored before it.
      if (position > written) {
        written = position
        store.write([{ key: positionKey, value: encodeNumber(position) }])
      }
      await store.flushed()
      if (position > committed) committed = position
    },
  }
}
