import { packetKey } from './keys.ts'
import { decodeMessage, encodeMessage, type StoredMessage } from './records.ts'
import { pages } from './scan.ts'
import type { SessionStore } from './session-store.ts'
import type { SessionTable } from './session-table.ts'

/**
 * QoS 2 messages that came from the clients of persistent sessions, between PUBLISH and PUBREL: what makes a PUBLISH
 * under the same packet identifier a repetition [MQTT-4.3.3-2]. The message itself has been in the log before.
 */
export interface IncomingMessages {
  /** On disk when it resolves, before PUBREC: after any crash a repetition is known as one. */
  add(clientId: string, packetId: number, message: StoredMessage): Promise<void>
  get(clientId: string, packetId: number): StoredMessage | undefined
  /**
   * On disk when it resolves, before PUBCOMP: after that the client uses the identifier for another message, and one
   * that came back from the disk would swallow it. False: there was none.
   */
  remove(clientId: string, packetId: number): Promise<boolean>
  clear(clientId: string): void
}

export function createIncomingMessages(store: SessionStore, sessions: SessionTable): IncomingMessages {
  return {
    async add(clientId, packetId, message) {
      const session = sessions.of(clientId)
      if (session === undefined) return
      store.write([{ key: packetKey(session.number, packetId), value: encodeMessage(message) }])
      await store.flushed()
    },

    get(clientId, packetId) {
      const session = sessions.of(clientId)
      const value = session && store.get(packetKey(session.number, packetId))
      return value && decodeMessage(value)
    },

    async remove(clientId, packetId) {
      const session = sessions.of(clientId)
      if (session === undefined) return false
      const key = packetKey(session.number, packetId)
      if (store.get(key) === undefined) return false
      store.write([{ key, value: undefined }])
      await store.flushed()
      return true
    },

    clear(clientId) {
      const session = sessions.of(clientId)
      if (session === undefined) return
      for (const page of pages(store, 'i', session.number))
        store.write(page.map(({ key }) => ({ key, value: undefined })))
    },
  }
}
