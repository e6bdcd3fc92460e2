import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError, isAppError } from '../../../model/index.ts'
import type { LogConfig } from '../config.ts'
import type { LogPosition, MessageLog } from '../message-log.ts'
import { listSegments, syncFolder } from './files.ts'
import { asBuffer, lastReceivedMs } from './frames.ts'
import { checkContiguous, recoverTail } from './recover.ts'
import { sealBytes } from './seal.ts'
import { createSegmentReader } from './segment-reader.ts'
import { openSegmentWriter } from './segment-writer.ts'
import { createLogBoard, type SharedLog, shareLog } from './shared.ts'
import { createSpace, type FreeDisk, freeDisk } from './space.ts'
import { createSegmentList } from './trimmer.ts'
import { firstOf } from './wait.ts'

export interface SegmentLogConfig extends LogConfig {
  /** Made when it is not there. The caller keeps a second platform out of it. */
  readonly folder: string
  /** Names that may release. Until each has released something since the open, nothing is trimmed. */
  readonly consumers: readonly string[]
}

export interface SegmentLogDeps {
  /** What the operating system says, unless a test has a smaller disk. */
  readonly freeDisk?: FreeDisk
}

export interface SegmentLog extends MessageLog {
  /** For `openSegmentReader` in other threads. */
  readonly shared: SharedLog
  /** Bytes of a commit cut in half by a crash that were cut off at the open; they had not been acknowledged. */
  readonly tornBytes: number
}

interface Waiting {
  readonly frames: Uint8Array
  readonly firstReceivedMs: number
  readonly lastReceivedMs: number
  readonly resolve: (position: LogPosition) => void
  readonly reject: (error: AppError) => void
}

/** Waiting batches beyond this go into the next commit, so that a reader's buffer stays small. */
const commitBytes = 8 * 1024 * 1024
const probeMs = 100

/** The embedded log: segment files in one folder. Throws `log_failed` when what is on disk is damaged. */
export async function openSegmentLog(config: SegmentLogConfig, deps: SegmentLogDeps = {}): Promise<SegmentLog> {
  const { folder, maxBytes } = config
  await mkdir(folder, { recursive: true })
  await syncFolder(dirname(folder))
  const found = await listSegments(folder)
  await checkContiguous(found)
  const recovered = found.length > 0 ? await recoverTail(found) : { end: 0, lastReceivedMs: 0, tornBytes: 0 }
  const writer = await openSegmentWriter(config, found.at(-1), recovered.end)

  const shared = shareLog(config.consumers, maxBytes)
  const board = createLogBoard(shared)
  board.open(found[0]?.start ?? 0, recovered.end)
  const segments = createSegmentList(folder, found.length > 0 ? found : [writer.segment], board)
  const reader = createSegmentReader(folder, board)
  const space = createSpace(config, deps.freeDisk ?? freeDisk)

  // The newest file is never trimmed, so half of the bound is what always fits once consumers have caught up.
  const largestBytes = Math.floor(maxBytes / 2) - sealBytes
  const groupBytes = Math.min(commitBytes, largestBytes)

  const queue: Waiting[] = []
  let newestReceivedMs = recovered.lastReceivedMs
  let committing: Promise<void> | undefined
  let failure: AppError | undefined
  let full: { readonly error: AppError; readonly neededBytes: number; readonly room: Promise<void> } | undefined
  let announceRoom = (): void => {}
  let probe: NodeJS.Timeout | undefined
  let looking: Promise<void> | undefined
  let closing: Promise<void> | undefined

  const fail = (cause: unknown, what: string): AppError => {
    failure ??= isAppError(cause, 'log_failed') ? cause : new AppError('log_failed', `${what} failed`, { cause })
    clearTimeout(probe)
    announceRoom()
    return failure
  }

  const trim = async (): Promise<void> => {
    try {
      await segments.trim()
      await reader.forgetTrimmed()
    } catch (error) {
      throw fail(error, `trim log ${folder}`)
    }
  }

  const becomeFull = (error: AppError, neededBytes: number): void => {
    const room = new Promise<void>((resolve) => {
      announceRoom = resolve
    })
    full = { error, neededBytes, room }
    board.setFull(true)
    scheduleProbe()
  }

  const scheduleProbe = (): void => {
    if (closing !== undefined || failure !== undefined) return
    probe = setTimeout(() => {
      looking = lookForRoom().catch((error: unknown) => {
        fail(error, `look for room in ${folder}`)
      })
    }, probeMs)
  }

  const lookForRoom = async (): Promise<void> => {
    if (full === undefined) return
    await trim()
    if ((await space.refusal(board.durable() - board.tail(), full.neededBytes)) !== undefined) return scheduleProbe()
    full = undefined
    board.setFull(false)
    announceRoom()
  }

  const nextGroup = (): { readonly group: Waiting[]; readonly bytes: number } => {
    let count = 0
    let bytes = 0
    for (const { frames } of queue) {
      if (count > 0 && bytes + frames.length > groupBytes) break
      bytes += frames.length
      count++
    }
    return { group: queue.splice(0, count), bytes }
  }

  const write = async (group: readonly Waiting[], bytes: number): Promise<void> => {
    const [first] = group
    if (first === undefined) return
    const start = board.durable()
    const neededBytes = sealBytes + bytes
    const before = writer.segment
    try {
      const refused = await space.refusal(start - board.tail(), neededBytes)
      if (refused !== undefined) {
        throw new AppError('log_full', `append ${bytes} bytes to log: ${refused}`, { retryable: true })
      }
      board.setHead(start + neededBytes)
      const batches = group.map(({ frames }) => frames)
      const durable = await writer.write({ batches, bytes, receivedMs: first.firstReceivedMs })
      board.commit(durable)
    } catch (error) {
      board.setHead(start)
      if (!isAppError(error, 'log_full')) throw fail(error, `append ${bytes} bytes to log`)
      becomeFull(error, neededBytes)
      throw error
    } finally {
      if (writer.segment !== before) segments.add(writer.segment)
    }
    let position = start + sealBytes
    for (const waiting of group) {
      position += waiting.frames.length
      newestReceivedMs = waiting.lastReceivedMs
      waiting.resolve(position)
    }
  }

  const commitWaiting = async (): Promise<void> => {
    while (queue.length > 0) {
      const { group, bytes } = nextGroup()
      try {
        await write(group, bytes)
      } catch (error) {
        const reason = isAppError(error) ? error : fail(error, `append ${bytes} bytes to log`)
        // Whoever came later must not overtake.
        for (const waiting of [...group, ...queue.splice(0)]) waiting.reject(reason)
      }
      // In the background: a commit does not wait for files to be removed. A failure is told to the next append.
      if (segments.canTrim()) trim().catch(() => {})
    }
    // In the same step as the look at the queue, so that no append falls between the two.
    committing = undefined
  }

  const close = async (): Promise<void> => {
    clearTimeout(probe)
    announceRoom()
    await committing
    await looking
    if (failure === undefined) await trim()
    await reader.close()
    await writer.close()
  }

  return {
    shared,
    tornBytes: recovered.tornBytes,
    get lastReceivedMs() {
      return newestReceivedMs
    },
    async append(frames) {
      if (closing !== undefined) throw new AppError('closed', `append ${frames.length} bytes to log: it is closed`)
      if (failure !== undefined) throw failure
      if (frames.length > largestBytes) {
        throw new AppError('too_large', `append ${frames.length} bytes to log: ${largestBytes} fit at most`)
      }
      const batch = asBuffer(frames)
      const last = lastReceivedMs(batch)
      if (full !== undefined) throw full.error
      const durable = new Promise<LogPosition>((resolve, reject) => {
        queue.push({ frames, firstReceivedMs: batch.readDoubleLE(8), lastReceivedMs: last, resolve, reject })
      })
      committing ??= commitWaiting()
      return await durable
    },
    read: reader.read,
    waitForMore: reader.waitForMore,
    release: reader.release,
    stats: reader.stats,
    trim,
    async waitForRoom(signal) {
      while (full !== undefined && failure === undefined && closing === undefined && !signal.aborted) {
        await firstOf(full.room, [signal])
      }
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}
