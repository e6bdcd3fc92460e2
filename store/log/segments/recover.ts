import { AppError } from '../../../model/index.ts'
import type { LogPosition } from '../message-log.ts'
import { createCommitWindow, findSeal } from './commits.ts'
import { closeFile, cutFile, fileBytes, openFile, type Segment, syncData } from './files.ts'
import { lastReceivedMs } from './frames.ts'
import { sealBytes } from './seal.ts'

export interface Recovered {
  /** Position behind the last whole commit; everything before it is on disk. */
  readonly end: LogPosition
  readonly lastReceivedMs: number
  /** Bytes of a commit that a crash had torn, cut off; nobody was told that they were durable. */
  readonly tornBytes: number
}

/** The files must follow each other without a gap; throws `log_failed` naming the first that does not. */
export async function checkContiguous(segments: readonly Segment[]): Promise<void> {
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1]
    if (next === undefined) return
    const end = segment.start + (await fileBytes(segment.path))
    if (end !== next.start) {
      throw new AppError(
        'log_failed',
        `open log: ${segment.path} ends at ${end}, the next file begins at ${next.start}`,
      )
    }
  }
}

/**
 * Verifies the newest file and cuts off what a crash left half-written. Only one commit is ever in flight, so only the
 * last can be torn: a broken one with whole ones behind it is damage, and is said, never skipped.
 */
export async function recoverTail(segments: readonly Segment[]): Promise<Recovered> {
  const newest = segments.at(-1)
  if (newest === undefined) throw new AppError('internal', 'recover log without a file')
  const found = await recoverFile(newest)
  if (found.end > newest.start) return found
  // The newest file has nothing yet: the newest frame is in the one before.
  const before = segments.at(-2)
  if (before === undefined) return found
  const previous = await recoverFile(before)
  if (previous.end !== newest.start) throw damaged(before, previous.end, 'commit is not whole')
  return { ...found, lastReceivedMs: previous.lastReceivedMs }
}

async function recoverFile(segment: Segment): Promise<Recovered> {
  const fd = await openFile(segment.path, 'r+')
  try {
    const fileEnd = segment.start + (await fileBytes(segment.path))
    const { end, receivedMs } = await wholeCommits(segment, fd, fileEnd)
    if (end < fileEnd) await cutFile(fd, end - segment.start)
    // What the system still held in memory when the process was killed must not be read before it is on disk.
    else await syncData(fd)
    return { end, lastReceivedMs: receivedMs, tornBytes: fileEnd - end }
  } finally {
    await closeFile(fd)
  }
}

async function wholeCommits(
  segment: Segment,
  fd: number,
  fileEnd: LogPosition,
): Promise<{ readonly end: LogPosition; readonly receivedMs: number }> {
  const window = createCommitWindow()
  const file = { fd, start: segment.start }
  let receivedMs = 0
  for (let from = segment.start; ; from = window.end) {
    const stop = await window.load(file, from, fileEnd, 1024 * 1024)
    if (window.end > from) {
      receivedMs = lastReceivedMs(window.bytes().subarray(window.lastCommit - window.start + sealBytes))
    }
    switch (stop.kind) {
      case 'more':
        continue
      case 'end':
        return { end: window.end, receivedMs }
      case 'broken': {
        const isLast =
          stop.part === 'body'
            ? window.end + stop.bytes === fileEnd
            : (await findSeal(file, window.end, fileEnd)) === undefined
        if (!isLast) throw damaged(segment, window.end, `checksum of the ${stop.part} differs`)
        return { end: window.end, receivedMs }
      }
      default:
        return stop satisfies never
    }
  }
}

export function damaged(segment: Segment, at: LogPosition, what: string): AppError {
  return new AppError('log_failed', `read log ${segment.path} at byte ${at - segment.start}: ${what}`)
}
