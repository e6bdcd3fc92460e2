import { AppError, type Clock, type FrameFields, frameHeaderBytes, frameKind, isAppError } from '../../model/index.ts'
import type { AppendDone, FrameBatch } from './frame-batch.ts'
import type { AppendFrame, FrameOwner, LogAppender } from './log-appender.ts'
import type { LogPosition, MessageLog } from './message-log.ts'
import { WaitingFrames } from './waiting-frames.ts'

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

type Outcome =
  | { readonly kind: 'written'; readonly end: LogPosition }
  | { readonly kind: 'full' }
  | { readonly kind: 'too-large'; readonly error: AppError }
  | { readonly kind: 'failed'; readonly error: Error }

const platform: FrameOwner = { closed: false }
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
  const waiting = new WaitingFrames()
  const stopping = new AbortController()
  // One object for every frame: this runs for each message.
  const fields: { -readonly [K in keyof FrameFields]-?: FrameFields[K] } = { ...tick, receivedMs: 0 }
  let lastReceivedMs = log.lastReceivedMs
  let full = false
  let failure: Error | undefined
  let scheduled = false
  let sending = false
  /** No batch is on its way: the log has no room for the oldest. */
  let parked = false
  let sent = Promise.resolve()
  let stopped: Promise<{ readonly unwritten: number }> | undefined
  let silence: NodeJS.Timeout | undefined

  const refusal = (bytes: number): Error | undefined => {
    if (failure !== undefined) return failure
    if (stopped !== undefined) return new AppError('closed', 'append frame to log: it is stopping')
    if (bytes > waitingBytesMax) return tooLarge(bytes)
    if (waiting.bytes + bytes <= waitingBytesMax) return undefined
    return new AppError('log_full', `append frame of ${bytes} bytes to log: ${waiting.bytes} bytes wait already`, {
      retryable: true,
    })
  }

  const append = (frame: AppendFrame, owner: FrameOwner, done: AppendDone): void => {
    const bytes = frameHeaderBytes + frame.origin.length + frame.topic.length + frame.payload.length
    const refused = refusal(bytes)
    if (refused !== undefined) throw refused
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
      waiting.push(fields, owner, done, bytes)
    } catch (cause) {
      // A topic or an origin that does not fit its 16-bit length.
      throw tooLarge(bytes, cause)
    }
    if (scheduled || sending) return
    scheduled = true
    // After the poll phase: all sockets that were readable in this turn share one commit.
    setImmediate(send)
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
      const batch = waiting.take()
      const writing = batch === undefined ? undefined : write(batch)
      // The disk goes on while those who waited for the batch before are told; what they append now comes next.
      if (written !== undefined) waiting.settle(written.batch, written.end)
      written = undefined
      if (batch === undefined || writing === undefined) {
        if (!waiting.empty) continue
        // In the same step as the look for a next batch, so that no append falls between the two.
        sending = false
        return
      }
      const outcome = await writing
      switch (outcome.kind) {
        case 'written':
          full = false
          waiting.written(batch)
          written = { batch, end: outcome.end }
          break
        case 'too-large':
          waiting.refuse(batch, outcome.error)
          break
        case 'full':
          full = true
          waiting.putBack(batch)
          parked = true
          await log.waitForRoom(stopping.signal)
          parked = false
          if (stopping.signal.aborted) return
          waiting.dropClosed()
          break
        case 'failed':
          waiting.putBack(batch)
          return fail(outcome.error)
        default:
          outcome satisfies never
      }
    }
  }

  const write = async (batch: FrameBatch): Promise<Outcome> => {
    silence?.refresh()
    try {
      return { kind: 'written', end: await log.append(batch.view()) }
    } catch (cause) {
      if (isAppError(cause, 'log_full')) return { kind: 'full' }
      if (isAppError(cause, 'too_large')) return { kind: 'too-large', error: cause }
      return { kind: 'failed', error: cause instanceof Error ? cause : new Error('append to log failed', { cause }) }
    }
  }

  const fail = (error: unknown): void => {
    if (failure !== undefined) return
    failure = error instanceof Error ? error : new AppError('internal', 'append to log failed', { cause: error })
    clearTimeout(silence)
    silence = undefined
    waiting.refuseAll(failure)
    onFailure(failure)
  }

  const onSilence = (): void => {
    silence?.refresh()
    // With a batch on its way to the disk, later frames of the same owner would be told before those in it.
    if (parked) waiting.dropClosed()
    else if (waiting.bytes === 0) append(tick, platform, () => {})
  }

  const stop = async (): Promise<{ readonly unwritten: number }> => {
    clearTimeout(silence)
    silence = undefined
    stopping.abort()
    send()
    await sent
    return { unwritten: waiting.refuseAll(new AppError('closed', 'append frame to log: it has stopped')) }
  }

  return {
    append,
    get waitingBytes() {
      return waiting.bytes
    },
    get full() {
      return full
    },
    get lastReceivedMs() {
      return lastReceivedMs
    },
    start() {
      if (stopped === undefined && failure === undefined) silence ??= setTimeout(onSilence, tickMs)
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
