import { textKey } from './keys.ts'
import { decodeWill, encodeWill, type Will } from './records.ts'
import { entries } from './scan.ts'
import type { SessionStore } from './session-store.ts'

/** The wills of connected clients: in memory, and on disk for the case that the platform dies before they are due. */
export interface Wills {
  open(): void
  /** On disk when it resolves, before CONNACK. */
  put(will: Will): Promise<void>
  get(clientId: string): Will | undefined
  take(clientId: string): Will | undefined
  all(): Iterable<Will>
}

export function createWills(store: SessionStore): Wills {
  const byClient = new Map<string, Will>()
  return {
    open() {
      for (const { value } of entries(store, 'w')) {
        const will = decodeWill(value)
        byClient.set(will.clientId, will)
      }
    },

    async put(will) {
      const value = encodeWill(will)
      // What is held is the copy: the original may hang on the whole buffer it was read into.
      byClient.set(will.clientId, decodeWill(value))
      store.write([{ key: textKey('w', will.clientId), value }])
      await store.flushed()
    },

    get: (clientId) => byClient.get(clientId),

    take(clientId) {
      const will = byClient.get(clientId)
      if (will === undefined) return undefined
      byClient.delete(clientId)
      store.write([{ key: textKey('w', clientId), value: undefined }])
      return will
    },

    all: () => byClient.values(),
  }
}
