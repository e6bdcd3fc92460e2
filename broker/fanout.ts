import type { PublishPacket } from 'aedes'
import type { Logger } from 'pino'
import { type DeviceId, FrameCursor, frameFlags, frameKind, removedDevice } from '../model/index.ts'
import type { LogPosition, LogReader } from '../store/log/index.ts'
import type { FanoutLedger } from './ports.ts'

/**
 * What is owed after the ack: retained messages, queues of offline sessions, subscribers. The acknowledged messages are
 * counted in generations of a quarter of a second; when all of a generation, and of those before it, are with their
 * subscribers, its last position is committed beside the sessions. A start publishes again what lies beyond it, so
 * after a crash each is fanned out at least once.
 */
export interface Fanout {
  /** A message is on its way to the disk; `durable` or `failed` follows, in order. */
  appended(): void
  durable(position: LogPosition): void
  failed(): void
  /** Between `durable` and `finish` of the same message, in the same turn as `durable`. */
  begin(): Generation
  finish(generation: Generation): void
  /** Messages begun and not finished. */
  readonly pending: number
  /** Nothing is on its way to the disk or to subscribers. */
  readonly idle: boolean
  /**
   * Publishes again what the last process may not have, and forgets again the devices that were removed meanwhile;
   * before anybody is connected. Resolves with the number of messages.
   */
  replay(publish: (packet: PublishPacket) => Promise<void>, forget: (device: DeviceId) => void): Promise<number>
  start(): void
  /** Commits what is complete. */
  stop(): Promise<void>
}

export interface Generation {
  pending: number
  end: LogPosition
}

export const fanoutConsumer = 'fanout'
const generationMs = 250
/** While nothing is fanned out, the position follows at this distance: reading again costs less than a commit. */
const lazyBytes = 1024 * 1024
const replayBytes = 1024 * 1024
const replayConcurrency = 256

export interface FanoutDeps {
  readonly log: LogReader
  readonly ledger: FanoutLedger
  readonly logger: Logger
}

export function createFanout({ log, ledger, logger }: FanoutDeps): Fanout {
  let current: Generation = { pending: 0, end: 0 }
  let older: Generation[] = []
  let awaiting = 0
  let pending = 0
  let complete: LogPosition = 0
  let committed: LogPosition = 0
  let committing: Promise<void> | undefined
  let failing = false
  /** Something was fanned out that would be fanned out again if the process died now. */
  let delivered = false
  let timer: NodeJS.Timeout | undefined

  function turn(): void {
    // With nothing of ours under way the log holds nothing that is still to be fanned out, ticks and presence included.
    if (awaiting === 0 && pending === 0) current.end = Math.max(current.end, log.stats().durable)
    if (current.end > 0) {
      older.push(current)
      current = { pending: 0, end: 0 }
    }
    settle()
  }

  function settle(): void {
    const open = older.findIndex((generation) => generation.pending > 0)
    const done = open < 0 ? older : older.slice(0, open)
    older = open < 0 ? [] : older.slice(open)
    for (const generation of done) complete = Math.max(complete, generation.end)
    if (delivered || complete - committed >= lazyBytes) commit()
  }

  function commit(): void {
    if (committing !== undefined || complete <= committed) return
    // What is still under way may lie before or behind `complete`; it is committed then, or with the next turn.
    delivered = pending > 0
    const position = complete
    committing = ledger
      .commitFanout(position)
      .then(
        () => {
          committed = position
          log.release(fanoutConsumer, position)
          if (failing) logger.info({ position }, 'fan-out position committed again')
          failing = false
        },
        (error: unknown) => {
          // The next turn tries again; until then the log keeps what a restart would need.
          if (!failing) logger.error({ err: error, position }, 'committing the fan-out position failed')
          failing = true
          delivered = true
        },
      )
      .finally(() => {
        committing = undefined
      })
  }

  function firstPosition(): LogPosition {
    const { tail, durable } = log.stats()
    const wanted = ledger.fanoutPosition
    const from = Math.min(Math.max(wanted, tail), durable)
    if (wanted > durable) logger.warn({ wanted, durable }, 'the log ends before the fan-out position')
    return from
  }

  async function replay(
    publish: (packet: PublishPacket) => Promise<void>,
    forget: (device: DeviceId) => void,
  ): Promise<number> {
    const cursor = new FrameCursor()
    let position = firstPosition()
    let published = 0
    for (;;) {
      const slice = await log.read(position, replayBytes)
      if (slice.bytes.length === 0) break
      cursor.reset(slice.bytes)
      let batch: Promise<void>[] = []
      while (cursor.next()) {
        const removed = removedBy(cursor)
        if (removed !== undefined) {
          // What it said before is to be forgotten with it, and what its successor says is not.
          await Promise.all(batch)
          batch = []
          forget(removed)
        }
        const packet = packetOf(cursor)
        if (packet === undefined) continue
        published++
        batch.push(publish(packet))
        if (batch.length < replayConcurrency) continue
        await Promise.all(batch)
        batch = []
      }
      await Promise.all(batch)
      position = slice.end
    }
    complete = Math.max(complete, position)
    delivered ||= published > 0
    return published
  }

  return {
    appended() {
      awaiting++
    },
    durable(position) {
      awaiting--
      current.end = position
    },
    failed() {
      awaiting--
    },
    begin() {
      pending++
      delivered = true
      current.pending++
      return current
    },
    finish(generation) {
      pending--
      generation.pending--
    },
    get pending() {
      return pending
    },
    get idle() {
      return awaiting === 0 && pending === 0
    },
    replay,
    start() {
      timer ??= setInterval(turn, generationMs)
    },
    async stop() {
      clearInterval(timer)
      timer = undefined
      turn()
      await committing
      commit()
      await committing
    },
  }
}

function removedBy(cursor: FrameCursor): DeviceId | undefined {
  return cursor.kind === frameKind.control ? removedDevice(cursor.topic(), cursor.payload()) : undefined
}

/** Undefined: nothing that outlives its delivery (QoS 0 without retain), or no message. */
function packetOf(cursor: FrameCursor): PublishPacket | undefined {
  if (cursor.kind !== frameKind.message) return undefined
  const qos = cursor.flags & frameFlags.qosMask
  const retain = (cursor.flags & frameFlags.retain) !== 0
  if (qos === 0 && !retain) return undefined
  const payload = Buffer.from(cursor.payload())
  return { cmd: 'publish', topic: cursor.topic(), payload, qos: qos === 0 || qos === 1 ? qos : 2, retain, dup: false }
}
