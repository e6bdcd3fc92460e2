import { open as openFile, stat } from 'node:fs/promises'
import type { RootDatabase } from 'lmdb'
import { AppError } from '../../../model/index.ts'
import type { SessionChange } from '../session-store.ts'

/** What lmdb-js leaves to its user. */
export type LmdbDatabase = RootDatabase<Buffer, Buffer>

/** A refused commit can leave LMDB's own close waiting for ever. */
const closeWithinMs = 2_000

/** LMDB kills the process on a file that is none: both meta pages must carry its magic number. */
export async function checkHeader(file: string): Promise<void> {
  const info = await stat(file).catch(ignore)
  if (info === undefined || (info.isFile() && info.size === 0)) return
  if (!info.isFile()) throw new AppError('store_failed', `open session store ${file} failed: it is not a file`)
  const handle = await openFile(file, 'r')
  try {
    const head = Buffer.alloc(64)
    await handle.read(head, 0, head.length, 0)
    const second = Buffer.alloc(64)
    await handle.read(second, 0, second.length, head.readUInt32LE(pageSizeOffset))
    if (head.readUInt32LE(magicOffset) === magic && second.readUInt32LE(magicOffset) === magic) return
    throw new AppError('store_failed', `open session store ${file} failed: it is damaged or not an LMDB file`)
  } finally {
    await handle.close()
  }
}

/** Places in a meta page of the file format that `lmdb` 3 writes. */
const magicOffset = 24
const pageSizeOffset = 48
const magic = 0xbeefc0de

/** Resolves when the changes are on disk; all of them are one transaction. */
export async function writeBatch(db: LmdbDatabase, changes: Iterable<SessionChange>): Promise<void> {
  try {
    await db.batch(() => {
      for (const { key, value } of changes) {
        const done = value === undefined ? db.remove(asBuffer(key)) : db.put(asBuffer(key), asBuffer(value))
        // Settles with the batch, which is awaited.
        done.catch(ignore)
      }
    })
  } catch (error) {
    throw await causeOf(error)
  }
}

/** LMDB's error for a refused commit carries a promise that rejects with the reason. */
async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  return Promise.resolve(error.commitError).then(
    () => error,
    (cause: unknown) => cause,
  )
}

export async function closeWithin(db: LmdbDatabase): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, closeWithinMs)
  await Promise.race([db.close(), promise])
  clearTimeout(timer)
}

export function pageStats(stats: object): { mapSize: number; lastPageNumber: number; pageSize: number } {
  const read = (name: string): number => {
    const value: unknown = Reflect.get(stats, name)
    return typeof value === 'number' ? value : 0
  }
  return { mapSize: read('mapSize'), lastPageNumber: read('lastPageNumber'), pageSize: read('pageSize') }
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function ignore(): undefined {
  return undefined
}
