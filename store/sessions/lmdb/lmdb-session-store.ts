import { mkdir, open as openFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { open as openLmdb, type RootDatabase } from 'lmdb'
import { AppError } from '../../../model/index.ts'
import type { SessionChange, SessionEntry, SessionStore, SessionStoreStats } from '../session-store.ts'
import { PendingChanges } from './pending-changes.ts'

/** How long after a commit that the disk refused the next one is tried. */
const retryMs = 1_000
/** A refused commit can leave LMDB's own close waiting for ever. */
const closeWithinMs = 2_000

/** Adapter over LMDB, in a folder of its own. The folder is locked by whoever owns the data folder, not here. */
export function createLmdbSessionStore(folder: string): SessionStore {
  let db: RootDatabase<Buffer, Buffer> | undefined
  /** What one turn of the event loop, or one commit's time, brings together. */
  let gathering = new PendingChanges()
  let committing: PendingChanges | undefined
  let scheduled: NodeJS.Immediate | undefined
  let retry: NodeJS.Timeout | undefined
  let closed = false

  function opened(): RootDatabase<Buffer, Buffer> {
    if (db === undefined) throw new AppError('closed', `use the session store in ${folder} failed: it is not open`)
    return db
  }

  function schedule(): void {
    if (scheduled !== undefined || committing !== undefined || retry !== undefined || gathering.size === 0) return
    scheduled = setImmediate(() => {
      scheduled = undefined
      void commit()
    })
  }

  async function commit(): Promise<void> {
    const changes = gathering
    committing = changes
    gathering = new PendingChanges()
    try {
      await writeBatch(opened(), changes)
      committing = undefined
      changes.resolve()
      schedule()
    } catch (cause) {
      committing = undefined
      gathering = changes.followedBy(gathering)
      changes.reject(
        new AppError('store_unavailable', `write sessions to ${folder} failed`, { cause, retryable: true }),
      )
      if (!closed)
        retry = setTimeout(() => {
          retry = undefined
          schedule()
        }, retryMs)
    }
  }

  return {
    async open() {
      if (db !== undefined) return
      try {
        await mkdir(folder, { recursive: true })
        await checkHeader(join(folder, 'data.mdb'))
        db = openLmdb<Buffer, Buffer>({
          path: folder,
          noSubdir: false,
          keyEncoding: 'binary',
          encoding: 'binary',
          maxDbs: 1,
          // A commit is done when it is flushed: one meaning of "written", and no state after a power cut to reason about.
          overlappingSync: false,
          // Batches are ours: with its own, a refused commit rejects a promise that nobody holds and ends the process.
          eventTurnBatching: false,
        })
        // Touches the tree's root, so that a damaged file fails here.
        db.getCount({ limit: 1 })
      } catch (cause) {
        if (cause instanceof AppError) throw cause
        const reason = cause instanceof Error ? cause.message : String(cause)
        throw new AppError('store_failed', `open session store ${folder} failed: ${reason}`, { cause })
      }
    },

    get(key) {
      const pending = gathering.find(key) ?? committing?.find(key)
      if (pending === undefined) return opened().get(asBuffer(key))
      return pending.value === undefined ? undefined : Buffer.from(pending.value)
    },

    range(from, to, limit) {
      const overlay = new Map<string, SessionChange>()
      committing?.collect(from, to, overlay)
      gathering.collect(from, to, overlay)
      const entries: SessionEntry[] = []
      // Enough that `limit` remain when the overlay removes or replaces as many as it has.
      const stored = opened().getRange({ start: asBuffer(from), end: asBuffer(to), limit: limit + overlay.size })
      for (const { key, value } of stored) {
        if (overlay.size === 0 || !overlay.has(key.toString('latin1'))) entries.push({ key, value })
      }
      if (overlay.size === 0) return entries
      for (const { key, value } of overlay.values()) {
        if (value !== undefined) entries.push({ key: Buffer.from(key), value: Buffer.from(value) })
      }
      entries.sort((a, b) => Buffer.compare(a.key, b.key))
      return entries.slice(0, limit)
    },

    write(changes) {
      if (closed) throw new AppError('closed', `write sessions to ${folder} failed: the store is closed`)
      for (const change of changes) gathering.add(change)
      schedule()
    },

    async flushed() {
      await (gathering.size > 0 ? gathering.done : committing?.done)
    },

    stats(): SessionStoreStats {
      const { mapSize, lastPageNumber, pageSize } = pageStats(opened().getStats())
      return {
        bytes: Math.min(mapSize, (lastPageNumber + 1) * pageSize),
        pendingBytes: gathering.bytes + (committing?.bytes ?? 0),
      }
    },

    async close() {
      if (db === undefined || closed) return
      closed = true
      clearTimeout(retry)
      retry = undefined
      schedule()
      try {
        while (gathering.size > 0 || committing !== undefined) await (committing ?? gathering).done
      } finally {
        await closeWithin(db)
        db = undefined
      }
    },
  }
}

/** Resolves when the changes are on disk; all of them are one transaction. */
async function writeBatch(db: RootDatabase<Buffer, Buffer>, changes: PendingChanges): Promise<void> {
  try {
    await db.batch(() => {
      for (const { key, value } of changes.values()) {
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

/** LMDB kills the process on a file that is none: both meta pages must carry its magic number. */
async function checkHeader(file: string): Promise<void> {
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

async function closeWithin(db: RootDatabase<Buffer, Buffer>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, closeWithinMs)
  await Promise.race([db.close(), promise])
  clearTimeout(timer)
}

function pageStats(stats: object): { mapSize: number; lastPageNumber: number; pageSize: number } {
  const read = (name: string): number => {
    const value: unknown = Reflect.get(stats, name)
    return typeof value === 'number' ? value : 0
  }
  return { mapSize: read('mapSize'), lastPageNumber: read('lastPageNumber'), pageSize: read('pageSize') }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function ignore(): undefined {
  return undefined
}
