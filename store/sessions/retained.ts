import type { SessionConfig } from './config.ts'
import { filterMatcher } from './filter-trie.ts'
import { next, textKey, textRange } from './keys.ts'
import { decodeMessage, decodeUsage, encodeMessage, encodeUsage, type StoredMessage } from './records.ts'
import type { SessionStore } from './session-store.ts'

/** The last retained message of each topic. On disk only; a look-up reads what begins like the filter. */
export interface RetainedMessages {
  open(): void
  /**
   * Keeps the message in the place of the topic's last one; an empty payload removes that [MQTT-3.3.1-10]. Seen at once,
   * and on disk before the fan-out position passes it. Beyond the bounds it is refused and counted; the topic's old
   * message goes all the same, since it is not the last one any more.
   */
  keep(message: StoredMessage): void
  matching(filter: string): Iterable<StoredMessage>
  /** Removes what `matching` would find; seen at once, on disk like what is kept. */
  remove(filter: string): void
  stats(): { readonly messages: number; readonly bytes: number; readonly refused: number }
}

const usageKey = textKey('m', 'retained')
const readAtOnce = 64

export function createRetainedMessages(store: SessionStore, config: SessionConfig): RetainedMessages {
  let messages = 0
  let bytes = 0
  let refused = 0

  function hasRoom(size: number): boolean {
    return messages < config.maxRetained && bytes + size <= config.maxRetainedBytes
  }

  function* scan(literal: string): Generator<StoredMessage> {
    let [from, to] = textRange('r', literal)
    for (;;) {
      const page = store.range(from, to, readAtOnce)
      for (const { value } of page) yield decodeMessage(value)
      const last = page.at(-1)
      if (last === undefined || page.length < readAtOnce) return
      from = next(last.key)
    }
  }

  const retained: RetainedMessages = {
    open() {
      const usage = store.get(usageKey)
      if (usage !== undefined) ({ count: messages, bytes } = decodeUsage(usage))
    },

    keep(message) {
      const key = textKey('r', message.topic)
      const before = store.get(key)
      if (before !== undefined) {
        messages--
        bytes -= key.length + before.length
      }
      let value: Buffer | undefined
      if (message.payload.length > 0) {
        const encoded = encodeMessage(message)
        const size = key.length + encoded.length
        if (hasRoom(size)) {
          value = encoded
          messages++
          bytes += size
        } else refused++
      }
      if (before === undefined && value === undefined) return
      store.write([
        { key, value },
        { key: usageKey, value: encodeUsage({ count: messages, bytes }) },
      ])
    },

    *matching(filter) {
      const wildcard = filter.search(/[+#]/)
      if (wildcard < 0) {
        const value = store.get(textKey('r', filter))
        if (value !== undefined) yield decodeMessage(value)
        return
      }
      const matches = filterMatcher(filter)
      // a/# matches a, too, so its range begins without the slash.
      const literal = filter.slice(0, filter[wildcard] === '#' ? Math.max(0, wildcard - 1) : wildcard)
      for (const message of scan(literal)) if (matches(message.topic)) yield message
    },

    remove(filter) {
      const nothing = Buffer.alloc(0)
      for (const message of [...retained.matching(filter)]) retained.keep({ ...message, payload: nothing })
    },

    stats: () => ({ messages, bytes, refused }),
  }
  return retained
}
