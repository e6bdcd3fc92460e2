/**
 * Recognises a message that is delivered again, for where the times in it do not tell: DUP=1, and the same bytes as
 * the last one with this packet identifier in this session [MQTT-4.4.0-1]. Per session the newest messages are kept, at
 * most one for each of the 65,535 packet identifiers and at most `maxEntries` over all sessions, shared fairly: as
 * sessions become more, the longest memories are cut to their newer half, and below 64 messages the session silent for
 * longest is forgotten.
 */
export interface RedeliveryMemory {
  /** True: seen before, to be dropped. Otherwise the message is remembered. */
  isRedelivery(message: Delivery): boolean
  /** Sessions in the order of their first message; for the snapshot. */
  sessions(): Iterable<readonly [origin: string, session: SessionMemory]>
  restore(origin: string, session: SessionMemory): void
}

/** Hot: the caller reuses one object. */
export interface Delivery {
  readonly origin: string
  readonly session: number
  readonly packetId: number
  readonly dup: boolean
  /** Of topic and payload; a safe integer of 53 bits. */
  readonly hash: number
  readonly receivedMs: number
}

/** A ring: the newest `count` messages end before `next`. */
export interface SessionMemory {
  session: number
  lastMs: number
  packetIds: Uint16Array
  hashes: Float64Array
  next: number
  count: number
}

const firstCapacity = 16
const leastCapacity = 64
const mostCapacity = 65_536

export function createSessionMemory(session: number, capacity = firstCapacity): SessionMemory {
  const hashes = new Float64Array(capacity)
  return { session, lastMs: 0, packetIds: new Uint16Array(capacity), hashes, next: 0, count: 0 }
}

/** The hash of the session's newest message with this packet identifier, or undefined. */
function newestHash(memory: SessionMemory, packetId: number): number | undefined {
  const capacity = memory.packetIds.length
  for (let back = 1; back <= memory.count; back++) {
    const at = (memory.next - back + capacity) % capacity
    if (memory.packetIds[at] === packetId) return memory.hashes[at]
  }
  return undefined
}

/** Keeps the newest `capacity` messages. */
function resize(memory: SessionMemory, capacity: number): void {
  const packetIds = new Uint16Array(capacity)
  const hashes = new Float64Array(capacity)
  const kept = Math.min(memory.count, capacity)
  const from = memory.packetIds.length
  for (let i = 0; i < kept; i++) {
    const at = (memory.next - kept + i + from) % from
    packetIds[i] = memory.packetIds[at] ?? 0
    hashes[i] = memory.hashes[at] ?? 0
  }
  Object.assign(memory, { packetIds, hashes, next: kept % capacity, count: kept })
}

export function createRedeliveryMemory(maxEntries = 2 ** 19): RedeliveryMemory {
  const memories = new Map<string, SessionMemory>()
  /** Sum of capacities. */
  let entries = 0

  function forget(origin: string, memory: SessionMemory): void {
    entries -= memory.packetIds.length
    memories.delete(origin)
  }

  /** Takes from the longest memory, or from who was silent for longest, until `more` entries fit. */
  function makeRoom(more: number): void {
    while (entries + more > maxEntries && memories.size > 0) {
      let longest: SessionMemory | undefined
      let idle: readonly [string, SessionMemory] | undefined
      for (const entry of memories) {
        if (longest === undefined || entry[1].packetIds.length > longest.packetIds.length) longest = entry[1]
        if (idle === undefined || entry[1].lastMs < idle[1].lastMs) idle = entry
      }
      if (longest !== undefined && longest.packetIds.length > leastCapacity) {
        const half = longest.packetIds.length / 2
        entries -= half
        resize(longest, half)
      } else if (idle !== undefined) forget(...idle)
    }
  }

  function memoryOf(origin: string, session: number): SessionMemory {
    const known = memories.get(origin)
    if (known?.session === session) return known
    // A client has one session at a time: what belonged to the one before is of no use.
    if (known !== undefined) forget(origin, known)
    makeRoom(firstCapacity)
    const fresh = createSessionMemory(session)
    entries += firstCapacity
    memories.set(origin, fresh)
    return fresh
  }

  function grow(memory: SessionMemory): void {
    const capacity = memory.packetIds.length
    const fairShare = Math.max(leastCapacity, maxEntries / memories.size)
    if (capacity * 2 > Math.min(fairShare, mostCapacity) || entries + capacity > maxEntries) return
    entries += capacity
    resize(memory, capacity * 2)
  }

  return {
    isRedelivery({ origin, session, packetId, dup, hash, receivedMs }) {
      const memory = memoryOf(origin, session)
      memory.lastMs = receivedMs
      if (dup && newestHash(memory, packetId) === hash) return true
      if (memory.count === memory.packetIds.length) grow(memory)
      const capacity = memory.packetIds.length
      memory.packetIds[memory.next] = packetId
      memory.hashes[memory.next] = hash
      memory.next = (memory.next + 1) % capacity
      memory.count = Math.min(memory.count + 1, capacity)
      return false
    },
    sessions: () => memories,
    restore(origin, memory) {
      memories.set(origin, memory)
      entries += memory.packetIds.length
    },
  }
}
