import { crc32 } from 'node:zlib'
import { AppError } from '../../../model/index.ts'
import type { LogPosition } from '../message-log.ts'
import { closeFile, cutFile, openFile, type Segment, segmentAt, syncData, syncFolder, writeAllAt } from './files.ts'
import { sealBytes, writeSeal } from './seal.ts'

export interface SegmentWriterConfig {
  readonly folder: string
  readonly segmentBytes: number
}

export interface Commit {
  readonly batches: readonly Uint8Array[]
  /** Of all batches together. */
  readonly bytes: number
  /** Received time of the first frame. */
  readonly receivedMs: number
}

/** The newest file, open for writing at the durable end. */
export interface SegmentWriter {
  readonly segment: Segment
  /**
   * Writes one seal and the batches, and syncs; the new durable end. A commit that does not fit begins a new file.
   * Throws `log_full` when the disk has no room: nothing is left of the commit. Any other error is final, above all a
   * failed sync: the system may have dropped what it could not write, so a second try would only seem to succeed.
   */
  write(commit: Commit): Promise<LogPosition>
  close(): Promise<void>
}

interface OpenFile {
  readonly segment: Segment
  readonly fd: number
}

const noRoom = new Set(['ENOSPC', 'EDQUOT'])

export async function openSegmentWriter(
  config: SegmentWriterConfig,
  newest: Segment | undefined,
  durable: LogPosition,
): Promise<SegmentWriter> {
  const seal = Buffer.alloc(sealBytes)
  let end = durable
  let file: OpenFile =
    newest === undefined ? await create(config.folder, end) : { segment: newest, fd: await openFile(newest.path, 'r+') }

  const rotate = async (): Promise<void> => {
    const old = file
    file = await create(config.folder, end)
    await closeFile(old.fd)
  }

  const undo = async (cause: unknown): Promise<never> => {
    await cutFile(file.fd, end - file.segment.start)
    throw new AppError('log_full', `write ${file.segment.path}: the disk is full`, { retryable: true, cause })
  }

  return {
    get segment() {
      return file.segment
    },
    async write(commit) {
      const size = sealBytes + commit.bytes
      const used = end - file.segment.start
      if (used > 0 && used + size > config.segmentBytes) await rotate()
      let crc = 0
      for (const batch of commit.batches) crc = crc32(batch, crc)
      writeSeal(seal, end, { bytes: commit.bytes, crc, receivedMs: commit.receivedMs })
      try {
        await writeAllAt(file.fd, [seal, ...commit.batches], end - file.segment.start)
      } catch (error) {
        if (lacksRoom(error)) return await undo(error)
        throw error
      }
      await syncData(file.fd)
      end += size
      return end
    },
    close: () => closeFile(file.fd),
  }
}

/** Nothing durable can be in a file of this name: what an earlier failed try left there is cut. */
async function create(folder: string, start: LogPosition): Promise<OpenFile> {
  const segment = segmentAt(folder, start)
  let fd: number
  try {
    fd = await openFile(segment.path, 'w')
  } catch (error) {
    if (!lacksRoom(error)) throw error
    throw new AppError('log_full', `create ${segment.path}: the disk is full`, { retryable: true, cause: error })
  }
  try {
    await syncFolder(folder)
  } catch (error) {
    await closeFile(fd)
    throw error
  }
  return { segment, fd }
}

function lacksRoom(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && noRoom.has(error.code)
}
