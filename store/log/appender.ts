import { AppError, type Clock, type FrameFields, frameHeaderBytes, frameKind, isAppError } from '../../model/index.ts'
import { type AppendDone, FrameBatch } from './frame-batch.ts'
import type { AppendFrame, FrameOwner, LogAppender } from './log-appender.ts'
import type { LogPosition, MessageLog } from './message-log.ts'

export interface LogAppenderConfig {
  /** Bytes that may wait for the disk; beyond them frames are refused with `log_full`. Default 64 MiB. */
  readonly waitingBytesMax?: number
  /** Silence after which a tick frame is written. Default 1,000. */
  readonly tickMs?: number
}

export interface LogAppenderDeps {
  readonly clock: Clock
  /** Called once, when the disk can no longer be trusted and every frame has been refused: the process should end. */
  readonly onFailure: (error: Error) => void
}

/** What the appender needs of a log. */
export type AppendTarget = Pick<MessageLog, 'append' | 'waitForRoom' | 'lastReceivedMs'>

/**
 * A batch takes no further frame beyond this, so that one commit stays short and one buffer small. Every log takes more
 * in one append (config.ts), so only a single frame can be too large.
 */
const batchBytes = 4 * 1024 * 1024
const spareBatches = 4

type Outcome =
  | { readonly kind: 'written'; readonly end: LogPosition }
  | { readonly kind: 'full' }
  | { readonly kind: 'too-large'; readonly error: AppError }
  | { readonly kind: 'failed'; readonly error: Error }

const everOpen: FrameOwner = { closed: false }
const noBytes = new Uint8Array(0)
const tick: AppendFrame = {
  kind: frameKind.tick,
  flags: 0,
  packetId: 0,
  session: 0,
  origin: noBytes,
  topic: noBytes,
  payload: noBytes,
}

export function createLogAppender(
  log: AppendTarget,
  deps: LogAppenderDeps,
  config: LogAppenderConfig = {},
): LogAppender {
  const { clock, onFailure } = deps
  const { waitingBytesMax = 64 * 1024 * 1024, tickMs = 1000 } = config
  const fields: { -readonly [K in keyof FrameFields]-?: FrameFields[K] } = { ...tick, receivedMs: 0 }
  const spare: FrameBatch[] = []
  /** Oldest first; the last one gathers, the others are complete. The one on its way to the disk is not among them. */
  const waiting: FrameBatch[] = []
  const stopping = new AbortController()
  let gathering: FrameBatch | undefined
  let waitingBytes = 0
  let lastReceivedMs = log.lastReceivedMs
  let full = false
  let failure: Error | undefined
  let scheduled = false
  let sending = false
  let sent = Promise.resolve()
  let stopped: Promise<{ readonly unwritten: number }> | undefined
  let tickTimer: NodeJS.Timeout | undefined

  const refusal = (size: number): Error | undefined => {
    if (failure !== undefined) return failure
    if (stopped !== undefined) return new AppError('closed', 'append frame to log: it is stopping')
    if (size > waitingBytesMax) return tooLarge(size)
    if (waitingBytes + size <= waitingBytesMax) return undefined
    return new AppError('log_full', `append frame of ${size} bytes to log: ${waitingBytes} bytes wait already`, {
      retryable: true,
    })
  }

  const gather = (frame: AppendFrame, size: number, owner: FrameOwner, done: AppendDone): Error | undefined => {
    const refused = refusal(size)
    if (refused !== undefined) return refused
    const batch = gathering !== undefined && gathering.bytes + size <= batchBytes ? gathering : addBatch()
    const before = batch.bytes
    lastReceivedMs = Math.max(lastReceivedMs, clock.now())
    fields.kind = frame.kind
    fields.flags = frame.flags
    fields.packetId = frame.packetId
    fields.receivedMs = lastReceivedMs
    fields.session = frame.session
    fields.origin = frame.origin
    fields.topic = frame.topic
    fields.payload = frame.payload
    try {
      batch.push(fields, owner, done)
    } catch (cause) {
      // A topic or an origin that does not fit its 16-bit length.
      return tooLarge(size, cause)
    }
    waitingBytes += batch.bytes - before
    return undefined
  }

  const append = (frame: AppendFrame, owner: FrameOwner, done: AppendDone): void => {
    const size = frameHeaderBytes + frame.origin.length + frame.topic.length + frame.payload.length
    const refused = gather(frame, size, owner, done)
    if (refused !== undefined) queueMicrotask(() => done(refused, 0))
    else if (!scheduled && !sending) {
      scheduled = true
      // After the poll phase: all sockets that were readable in this turn share one commit.
      setImmediate(send)
    }
  }

  const addBatch = (): FrameBatch => {
    gathering = spare.pop() ?? new FrameBatch()
    waiting.push(gathering)
    return gathering
  }

  const send = (): void => {
    scheduled = false
    if (sending) return
    sending = true
    sent = sendWaiting().catch(fail)
  }

  const sendWaiting = async (): Promise<void> => {
    let written: { readonly batch: FrameBatch; readonly end: LogPosition } | undefined
    for (;;) {
      const batch = nextBatch()
      const writing = batch === undefined ? undefined : write(batch)
      // The disk goes on while those who waited for the batch before are told; what they append now comes next.
      if (written !== undefined) {
        written.batch.settle(written.end)
        recycle(written.batch)
        written = undefined
      }
      if (batch === undefined || writing === undefined) {
        if (waiting.length > 0) continue
        break
      }
      const outcome = await writing
      switch (outcome.kind) {
        case 'written':
          full = false
          waitingBytes -= batch.bytes
          written = { batch, end: outcome.end }
          break
        case 'too-large':
          waitingBytes -= batch.bytes
          batch.refuse(outcome.error)
          break
        case 'full':
          full = true
          waiting.unshift(batch)
          await log.waitForRoom(stopping.signal)
          if (stopping.signal.aborted) return
          dropClosed()
          break
        case 'failed':
          waiting.unshift(batch)
          return fail(outcome.error)
        default:
          outcome satisfies never
      }
    }
    // In the same step as the look for a next batch, so that no append falls between the two.
    sending = false
  }

  const nextBatch = (): FrameBatch | undefined => {
    for (;;) {
      const batch = waiting.shift()
      if (batch === gathering) gathering = undefined
      if (batch === undefined || batch.count > 0) return batch
      recycle(batch)
    }
  }

  const write = async (batch: FrameBatch): Promise<Outcome> => {
    tickTimer?.refresh()
    try {
      return { kind: 'written', end: await log.append(batch.view()) }
    } catch (cause) {
      if (isAppError(cause, 'log_full')) return { kind: 'full' }
      if (isAppError(cause, 'too_large')) return { kind: 'too-large', error: cause }
      return { kind: 'failed', error: cause instanceof Error ? cause : new Error('append to log failed', { cause }) }
    }
  }

  const recycle = (batch: FrameBatch): void => {
    if (batch.reusable && spare.length < spareBatches) spare.push(batch)
  }

  const dropClosed = (): void => {
    for (const batch of waiting) {
      const before = batch.bytes
      batch.dropClosed()
      waitingBytes -= before - batch.bytes
    }
  }

  const refuseWaiting = (error: Error): number => {
    let count = 0
    gathering = undefined
    for (const batch of waiting.splice(0)) {
      count += batch.count
      waitingBytes -= batch.bytes
      batch.refuse(error)
    }
    return count
  }

  const fail = (error: unknown): void => {
    if (failure !== undefined) return
    failure = error instanceof Error ? error : new AppError('internal', 'append to log failed', { cause: error })
    sending = false
    clearTimeout(tickTimer)
    refuseWaiting(failure)
    onFailure(failure)
  }

  const onSilence = (): void => {
    tickTimer?.refresh()
    if (full) dropClosed()
    else if (waitingBytes === 0) append(tick, everOpen, () => {})
  }

  const stop = async (): Promise<{ readonly unwritten: number }> => {
    clearTimeout(tickTimer)
    tickTimer = undefined
    stopping.abort()
    send()
    await sent
    return { unwritten: refuseWaiting(new AppError('closed', 'append frame to log: it has stopped')) }
  }

  return {
    append,
    get waitingBytes() {
      return waitingBytes
    },
    get full() {
      return full
    },
    get lastReceivedMs() {
      return lastReceivedMs
    },
    start() {
      if (stopped === undefined) tickTimer ??= setTimeout(onSilence, tickMs)
    },
    stop() {
      stopped ??= stop()
      return stopped
    },
  }
}

function tooLarge(bytes: number, cause?: unknown): AppError {
  return new AppError('too_large', `append frame of ${bytes} bytes to log: too large`, { cause })
}
