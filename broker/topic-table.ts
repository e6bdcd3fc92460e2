import { type DeviceId, resolveTopic, type TopicRules } from '../model/index.ts'

/** What is known of one topic that a connection publishes. */
export interface TopicEntry {
  /** As on the wire; goes into the log's frames. */
  readonly bytes: Buffer
  readonly topic: string
  readonly levels: number
  /** The device that it is about; undefined: a topic that nobody may publish. */
  readonly deviceId: DeviceId | undefined
  /** Generation of the subscriptions for which `wanted` was found (interest.ts). */
  interestOf: number
  wanted: boolean
}

/** A gateway with many meters has one telemetry topic each; beyond that they are resolved anew. */
const maxEntries = 1024

/**
 * The topics of one connection, found again by their bytes, so that a device that publishes one topic for years has it
 * decoded, checked and resolved once.
 */
export class TopicTable {
  readonly #rules: TopicRules
  #last: TopicEntry | undefined
  #others: Map<string, TopicEntry> | undefined

  constructor(rules: TopicRules) {
    this.#rules = rules
  }

  /** Undefined: not seen before (or forgotten); check it, then `add` it. */
  find(bytes: Buffer, from: number, to: number): TopicEntry | undefined {
    const last = this.#last
    if (last === undefined || isAt(last.bytes, bytes, from, to)) return last
    const found = this.#others?.get(bytes.toString('latin1', from, to))
    if (found !== undefined) this.#last = found
    return found
  }

  /** Of a well-formed topic name. */
  add(bytes: Buffer, from: number, to: number): TopicEntry {
    const topic = bytes.toString('utf8', from, to)
    const entry: TopicEntry = {
      bytes: Buffer.from(bytes.subarray(from, to)),
      topic,
      levels: topic.split('/').length,
      deviceId: resolveTopic(topic, this.#rules)?.deviceId,
      interestOf: -1,
      wanted: true,
    }
    this.#remember(entry)
    return entry
  }

  /** The map comes with the second topic: most devices publish one. */
  #remember(entry: TopicEntry): void {
    const last = this.#last
    this.#last = entry
    if (last === undefined) return
    if (this.#others === undefined || this.#others.size >= maxEntries) this.#others = new Map([[keyOf(last), last]])
    this.#others.set(keyOf(entry), entry)
  }
}

function keyOf(entry: TopicEntry): string {
  return entry.bytes.toString('latin1')
}

/** From the end: topics of one connection differ there. */
function isAt(known: Buffer, bytes: Buffer, from: number, to: number): boolean {
  let i = known.length
  if (to - from !== i) return false
  while (--i >= 0) if (known[i] !== bytes[from + i]) return false
  return true
}
