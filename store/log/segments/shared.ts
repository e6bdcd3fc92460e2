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

export function shareLog(consumers: readonly string[], maxBytes: number): SharedLog {
  const buffer = new SharedArrayBuffer((firstConsumerSlot + consumers.length) * BigInt64Array.BYTES_PER_ELEMENT)
  return { buffer, consumers: [...consumers], maxBytes }
}

/** The log's numbers, seen alike by every thread. All but `release` and the reads is the writer's to call. */
export interface LogBoard {
  durable(): LogPosition
  tail(): LogPosition
  /** Position up to which every consumer has released. */
  released(): LogPosition
  release(consumer: string, position: LogPosition): void
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
  // One system wait per thread at a time: waits cannot be cancelled, and every commit ends it.
  let waiting: { readonly durable: LogPosition; readonly promise: Promise<void> } | undefined

  return {
    durable: () => get(slot.durable),
    tail: () => get(slot.tail),
    released() {
      // Without consumers nothing is ever released: a log that nobody reads yet keeps everything.
      let least = consumers.length === 0 ? 0 : Number.MAX_SAFE_INTEGER
      for (let i = 0; i < consumers.length; i++) least = Math.min(least, get(firstConsumerSlot + i))
      return least
    },
    release(consumer, position) {
      const index = consumers.indexOf(consumer)
      if (index < 0) throw new AppError('internal', `release log for ${consumer}: no such consumer`)
      // Load and store suffice: a consumer releases from one thread.
      if (position > get(firstConsumerSlot + index)) set(firstConsumerSlot + index, position)
    },
    stats() {
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
        consumers: consumers.map((name, i) => {
          const position = get(firstConsumerSlot + i)
          return { name, position, lag: Math.max(0, durable - position) }
        }),
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
      for (let i = 0; i < consumers.length; i++) set(firstConsumerSlot + i, tail)
    },
  }
}
