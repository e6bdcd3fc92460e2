import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError, isAppError } from '../../../model/index.ts'
import type { LogConfig } from '../config.ts'
import type { MessageLog } from '../message-log.ts'
import { createCommitQueue, type WriteCommit } from './commit-queue.ts'
import { listSegments, syncFolder } from './files.ts'
import { asBuffer, lastReceivedMs } from './frames.ts'
import { createFullness } from './fullness.ts'
import { makeLogId, readLogId } from './log-id.ts'
import { createSegmentReader } from './reader.ts'
import { checkContiguous, recoverTail } from './recover.ts'
import { sealBytes } from './seal.ts'
import { createLogBoard, type SharedLog, shareLog } from './shared.ts'
import { createSpace, type FreeDisk, freeDisk } from './space.ts'
import { createSegmentList } from './trimmer.ts'
import { openSegmentWriter } from './writer.ts'

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
  /** Of the log, as long as it lives; see `readLogId`. */
  readonly id: string
  /** For `openSegmentReader` in other threads. */
  readonly shared: SharedLog
  /** Bytes of a commit cut in half by a crash that were cut off at the open; they had not been acknowledged. */
  readonly tornBytes: number
}

/** Waiting batches beyond this go into the next commit, so that a reader's buffer stays small. */
const commitBytes = 8 * 1024 * 1024

/** The embedded log: segment files in one folder. Throws `log_failed` when what is on disk is damaged. */
export async function openSegmentLog(config: SegmentLogConfig, deps: SegmentLogDeps = {}): Promise<SegmentLog> {
  const { folder, maxBytes } = config
  await mkdir(folder, { recursive: true })
  await syncFolder(dirname(folder))
  const id = (await readLogId(folder)) ?? (await makeLogId(folder))
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

  let newestReceivedMs = recovered.lastReceivedMs
  let failure: AppError | undefined
  let closing: Promise<void> | undefined

  const fail = (cause: unknown, what: string): AppError => {
    failure ??= isAppError(cause, 'log_failed') ? cause : new AppError('log_failed', `${what} failed`, { cause })
    void fullness.stop()
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

  const refusal = (neededBytes: number): Promise<string | undefined> =>
    space.refusal(board.durable() - board.tail(), neededBytes)

  const fullness = createFullness({
    async hasRoom(neededBytes) {
      await trim()
      return (await refusal(neededBytes)) === undefined
    },
    onChange: board.setFull,
    onFailure: (error) => fail(error, `look for room in ${folder}`),
  })

  const write: WriteCommit = async (group, bytes) => {
    const start = board.durable()
    const neededBytes = sealBytes + bytes
    const before = writer.segment
    try {
      const refused = await refusal(neededBytes)
      if (refused !== undefined) {
        throw new AppError('log_full', `append ${bytes} bytes to log: ${refused}`, { retryable: true })
      }
      board.setHead(start + neededBytes)
      const receivedMs = group[0]?.firstReceivedMs ?? 0
      board.commit(await writer.write({ batches: group.map(({ frames }) => frames), bytes, receivedMs }))
    } catch (error) {
      board.setHead(start)
      if (!isAppError(error, 'log_full')) throw fail(error, `append ${bytes} bytes to log`)
      fullness.enter(error, neededBytes)
      throw error
    } finally {
      if (writer.segment !== before) segments.add(writer.segment)
    }
    newestReceivedMs = group.at(-1)?.lastReceivedMs ?? newestReceivedMs
    // In the background: a commit does not wait for files to be removed. A failure is told to the next append.
    if (segments.canTrim()) trim().catch(() => {})
    return start + sealBytes
  }

  const queue = createCommitQueue(write, Math.min(commitBytes, largestBytes))

  const close = async (): Promise<void> => {
    await queue.drained()
    await fullness.stop()
    try {
      if (failure === undefined) await trim()
    } finally {
      await reader.close()
      await writer.close()
    }
  }

  return {
    id,
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
      const newestMs = lastReceivedMs(batch)
      if (fullness.reason !== undefined) throw fullness.reason
      return await queue.append({ frames, firstReceivedMs: batch.readDoubleLE(8), lastReceivedMs: newestMs })
    },
    read: reader.read,
    waitForMore: reader.waitForMore,
    release: reader.release,
    stats: reader.stats,
    trim,
    waitForRoom: fullness.waitForRoom,
    close() {
      closing ??= close()
      return closing
    },
  }
}
