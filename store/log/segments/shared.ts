import { AppError } from '../../../model/index.ts'
import type { LogPosition, LogStats } from '../message-log.ts'

/** What the writer's thread hands to other threads (by `workerData` or a message) so that they can open readers. */
export interface SharedLog {
  readonly buffer: SharedArrayBuffer
  readonly consumers: readonly string[]
  readonly maxBytes: number
}

const slot = { durable: 0, head: 1, tail: 2, commits: 3, full: 4 } as const
const firstConsumerSlot = 5
/** Each consumer has two slots, one behind the other. */
const consumerSlot = { released: 0, read: 1 } as const
const slotsPerConsumer = 2

export function shareLog(consumers: readonly string[], maxBytes: number): SharedLog {
  const buffer = new SharedArrayBuffer(
    (firstConsumerSlot + slotsPerConsumer * consumers.length) * BigInt64Array.BYTES_PER_ELEMENT,
  )
  return { buffer, consumers: [...consumers], maxBytes }
}

/** The log's numbers, seen alike by every thread. All but `release`, `noteRead` and the reads is the writer's to call. */
export interface LogBoard {
  durable(): LogPosition
  tail(): LogPosition
  /** Position up to which every consumer has released. */
  released(): LogPosition
  release(consumer: string, position: LogPosition): void
  /** The consumer has taken everything up to `position`. */
  noteRead(consumer: string, position: LogPosition): void
  stats(): LogStats
  /** Resolves at the first commit after the call, if the durable position still is `durable`; else at once. */
  nextCommit(durable: LogPosition): Promise<void>
  /** A new durable position; wakes every waiter of every thread. */
  commit(durable: LogPosition): void
  setHead(head: LogPosition): void
  setTail(tail: LogPosition): void
  setFull(full: boolean): void
  /** Where the log begins and ends when it is opened: no consumer has released anything yet. */
  open(tail: LogPosition, durable: LogPosition): void
}

export function createLogBoard({ buffer, consumers, maxBytes }: SharedLog): LogBoard {
  const slots = new BigInt64Array(buffer)
  const get = (index: number): number => Number(Atomics.load(slots, index))
  const set = (index: number, value: number): void => {
    Atomics.store(slots, index, BigInt(value))
  }
  const slotOf = (consumer: string, which: keyof typeof consumerSlot): number => {
    const index = consumers.indexOf(consumer)
    if (index < 0) throw new AppError('internal', `find ${consumer} among the consumers of the log: no such consumer`)
    return firstConsumerSlot + slotsPerConsumer * index + consumerSlot[which]
  }
  // One system wait per thread at a time: waits cannot be cancelled, and every commit ends it.
  let waiting: { readonly durable: LogPosition; readonly promise: Promise<void> } | undefined

  return {
    durable: () => get(slot.durable),
    tail: () => get(slot.tail),
    released() {
      // Without consumers nothing is ever released: a log that nobody reads yet keeps everything.
      let least = consumers.length === 0 ? 0 : Number.MAX_SAFE_INTEGER
      for (const consumer of consumers) least = Math.min(least, get(slotOf(consumer, 'released')))
      return least
    },
    release(consumer, position) {
      const index = slotOf(consumer, 'released')
      // Load and store suffice: a consumer releases from one thread.
      if (position > get(index)) set(index, position)
    },
    noteRead: (consumer, position) => set(slotOf(consumer, 'read'), position),
    stats() {
      // Before the durable end, which they follow: no consumer is shown ahead of it.
      const progress = consumers.map((name) => {
        const released = get(slotOf(name, 'released'))
        return { name, released, position: Math.max(released, get(slotOf(name, 'read'))) }
      })
      const durable = get(slot.durable)
      const head = Math.max(get(slot.head), durable)
      const tail = get(slot.tail)
      return {
        tail,
        head,
        durable,
        bytes: head - tail,
        maxBytes,
        full: get(slot.full) === 1,
        commits: get(slot.commits),
        consumers: progress.map((consumer) => ({ ...consumer, lag: Math.max(0, durable - consumer.position) })),
      }
    },
    nextCommit(durable) {
      if (waiting?.durable === durable) return waiting.promise
      const wait = Atomics.waitAsync(slots, slot.durable, BigInt(durable))
      if (!wait.async) return Promise.resolve()
      const promise = wait.value.then(() => {
        if (waiting?.promise === promise) waiting = undefined
      })
      waiting = { durable, promise }
      return promise
    },
    commit(durable) {
      Atomics.add(slots, slot.commits, 1n)
      set(slot.durable, durable)
      Atomics.notify(slots, slot.durable)
    },
    setHead: (head) => set(slot.head, head),
    setTail: (tail) => set(slot.tail, tail),
    setFull: (full) => set(slot.full, full ? 1 : 0),
    open(tail, durable) {
      set(slot.tail, tail)
      set(slot.head, durable)
      set(slot.durable, durable)
      for (const consumer of consumers) {
        set(slotOf(consumer, 'released'), tail)
        set(slotOf(consumer, 'read'), tail)
      }
    },
  }
}
