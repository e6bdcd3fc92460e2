import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, isAppError } from '../model/index.ts'
import type { LogPosition } from '../store/log/index.ts'

/** What ingest remembered at a position of the log; the bytes are checked by who wrote them. */
export interface SnapshotFile {
  readonly position: LogPosition
}

export interface SnapshotFiles {
  /** Newest first; unfinished ones are not among them. */
  list(): Promise<readonly SnapshotFile[]>
  read(position: LogPosition): Promise<Uint8Array>
  /** Whole and durable when it resolves, or not there at all; replaces one of the same position. */
  write(position: LogPosition, parts: readonly Uint8Array[]): Promise<void>
  remove(position: LogPosition): Promise<void>
}

const namePattern = /^memory-(\d{16})\.snapshot$/
/** One writer writes one at a time, so what a crash left of one is overwritten by the next. */
const unfinishedName = 'memory.part'
const nameOf = (position: LogPosition) => `memory-${String(position).padStart(16, '0')}.snapshot`

/** Snapshots as files of one folder, which is made when it is missing. */
export function createSnapshotFolder(folder: string): SnapshotFiles {
  const pathOf = (position: LogPosition) => join(folder, nameOf(position))

  /** A rename is durable only when the folder that holds the name is. */
  async function syncFolder(): Promise<void> {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  async function attempt<T>(what: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (cause) {
      if (isAppError(cause)) throw cause
      const full = cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')
      const code = full ? 'store_unavailable' : 'store_failed'
      throw new AppError(code, `${what} in ${folder} failed`, { retryable: full, cause })
    }
  }

  return {
    list: () =>
      attempt('list snapshots', async () => {
        await mkdir(folder, { recursive: true })
        const positions = (await readdir(folder)).flatMap((name) => {
          const digits = namePattern.exec(name)?.[1]
          return digits === undefined ? [] : [{ position: Number(digits) }]
        })
        return positions.sort((a, b) => b.position - a.position)
      }),

    read: (position) => attempt(`read snapshot ${position}`, () => readFile(pathOf(position))),

    write: (position, parts) =>
      attempt(`write snapshot ${position}`, async () => {
        const unfinished = join(folder, unfinishedName)
        const handle = await open(unfinished, 'w', 0o600)
        try {
          for (const part of parts) await handle.writeFile(part)
          await handle.sync()
        } finally {
          await handle.close()
        }
        await rename(unfinished, pathOf(position))
        await syncFolder()
      }),

    remove: (position) => attempt(`remove snapshot ${position}`, () => rm(pathOf(position), { force: true })),
  }
}
