import { AppError, isAppError } from '../../../model/index.ts'
import type { LogPosition, LogReader, LogSlice } from '../message-log.ts'
import { createCommitWindow } from './commits.ts'
import { closeFile, listSegments, openFile, type Segment } from './files.ts'
import { wholeFramesEnd } from './frames.ts'
import { damaged } from './recover.ts'
import { createLogBoard, type LogBoard, type SharedLog } from './shared.ts'
import { firstOf } from './wait.ts'

export interface SegmentReaderConfig {
  readonly folder: string
  /** `SegmentLog.shared` of the writer. */
  readonly shared: SharedLog
  /** Whose progress the reads are: one that reads on at a position has taken everything before it. Absent: nobody's. */
  readonly consumer?: string
}

export interface SegmentReader extends LogReader {
  /** Lets go of a file that has been removed meanwhile, so that the disk gets its bytes back. */
  forgetTrimmed(): Promise<void>
}

const noBytes = new Uint8Array(0)
/** Fewer bytes than this are not worth a call to the system. */
const leastReadBytes = 64 * 1024

/**
 * Reads the files with a descriptor and a buffer of its own, up to the durable position; verifies every commit on the
 * way. One reader serves one run of positions that goes forward: each jump elsewhere starts at the front of a file.
 * A wait does not keep a worker thread alive: its owner keeps a port open.
 */
export function openSegmentReader(config: SegmentReaderConfig): SegmentReader {
  return createSegmentReader(config.folder, createLogBoard(config.shared), config.consumer)
}

export function createSegmentReader(folder: string, board: LogBoard, consumer?: string): SegmentReader {
  const window = createCommitWindow()
  const closing = new AbortController()
  let file: (Segment & { readonly fd: number }) | undefined
  // Reads share one window and one descriptor, so they run one after the other.
  let turn: Promise<unknown> = Promise.resolve()

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work)
    turn = result.catch(() => {})
    return result
  }

  const closeCurrent = async (): Promise<void> => {
    const current = file
    file = undefined
    window.clear()
    if (current !== undefined) await closeFile(current.fd)
  }

  const trimmed = (position: LogPosition): AppError =>
    new AppError('not_found', `read log at ${position}: trimmed, it begins at ${board.tail()}`)

  /** The file that holds the byte at `position`. */
  const openAt = async (position: LogPosition): Promise<Segment & { readonly fd: number }> => {
    await closeCurrent()
    const segment = (await listSegments(folder)).findLast(({ start }) => start <= position)
    if (segment === undefined) throw trimmed(position)
    try {
      file = { ...segment, fd: await openFile(segment.path, 'r') }
      return file
    } catch (error) {
      if (position < board.tail()) throw trimmed(position)
      throw new AppError('log_failed', `open log ${segment.path} failed`, { cause: error })
    }
  }

  /** Brings the commit that holds the byte at `position` into the window. */
  const fill = async (position: LogPosition, durable: LogPosition, wantedBytes: number): Promise<void> => {
    let current = file === undefined || position < file.start ? await openAt(position) : file
    let from = position === window.end ? position : current.start
    for (;;) {
      const stop = await window.load(current, from, durable, wantedBytes)
      if (position < window.end) return
      if (stop.kind === 'broken') throw damaged(current, window.end, `checksum of the ${stop.part} differs`)
      if (stop.kind === 'end') {
        if (stop.missingBytes > 0) throw damaged(current, window.end, `${stop.missingBytes} bytes are missing`)
        const next = await openAt(position)
        if (next.path === current.path) throw damaged(current, window.end, 'the file ends before the log does')
        current = next
        from = current.start
        continue
      }
      from = window.end
    }
  }

  const read = async (position: LogPosition, maxBytes: number): Promise<LogSlice> => {
    if (closing.signal.aborted) throw new AppError('closed', `read log at ${position}: the reader is closed`)
    const durable = board.durable()
    if (position < board.tail()) throw trimmed(position)
    if (position > durable) {
      throw new AppError('not_found', `read log at ${position}: it ends at ${durable}`)
    }
    if (consumer !== undefined) board.noteRead(consumer, position)
    if (position === durable) return { start: position, bytes: noBytes, end: position }
    if (position < window.start || position >= window.end) {
      try {
        await fill(position, durable, Math.max(maxBytes, leastReadBytes))
      } catch (error) {
        if (isAppError(error)) throw error
        throw new AppError('log_failed', `read log at ${position} failed`, { cause: error })
      }
    }
    const bytes = window.bytes()
    const from = position - window.start
    const end = wholeFramesEnd(bytes, from, maxBytes)
    if (end === undefined) throw new AppError('invalid_input', `read log at ${position}: no frame ends there`)
    return { start: position, bytes: bytes.subarray(from, end), end: window.start + end }
  }

  return {
    read: (position, maxBytes) => inTurn(() => read(position, maxBytes)),
    async waitForMore(position, signal) {
      while (!signal.aborted && !closing.signal.aborted) {
        const durable = board.durable()
        if (durable > position) return
        await firstOf(board.nextCommit(durable), [signal, closing.signal])
      }
    },
    release: (consumer, position) => board.release(consumer, position),
    stats: () => board.stats(),
    forgetTrimmed: () =>
      inTurn(async () => {
        if (file !== undefined && window.end <= board.tail() && file.start < board.tail()) await closeCurrent()
      }),
    close() {
      closing.abort()
      return inTurn(closeCurrent)
    },
  }
}
