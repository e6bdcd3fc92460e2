import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { open as openLmdb } from 'lmdb'
import { AppError } from '../../../model/index.ts'
import type { SessionChange, SessionEntry, SessionStore, SessionStoreStats } from '../session-store.ts'
import { asBuffer, checkHeader, closeWithin, type LmdbDatabase, pageStats, writeBatch } from './lmdb-file.ts'
import { PendingChanges } from './pending-changes.ts'

/** How long after a commit that the disk refused the next one is tried. */
const retryMs = 1_000

/** Adapter over LMDB, in a folder of its own. The folder is locked by whoever owns the data folder, not here. */
export function createLmdbSessionStore(folder: string): SessionStore {
  let db: LmdbDatabase | undefined
  /** Not on disk yet, oldest first: the first goes with the next commit, or is on its way. */
  let pending: PendingChanges[] = []
  let committing = false
  let scheduled: NodeJS.Immediate | undefined
  let retry: NodeJS.Timeout | undefined
  let closed = false

  function opened(): LmdbDatabase {
    if (db === undefined) throw new AppError('closed', `use the session store in ${folder} failed: it is not open`)
    return db
  }

  function schedule(): void {
    if (scheduled !== undefined || committing || retry !== undefined || pending.length === 0) return
    scheduled = setImmediate(() => {
      scheduled = undefined
      void commit()
    })
  }

  async function commit(): Promise<void> {
    const [changes] = pending
    if (changes === undefined) return
    committing = true
    changes.seal()
    try {
      await writeBatch(opened(), changes.values())
      committing = false
      pending.shift()
      changes.resolve()
      schedule()
    } catch (cause) {
      committing = false
      refused(new AppError('store_unavailable', `write sessions to ${folder} failed`, { cause, retryable: true }))
    }
  }

  /** Everybody who waits is told; the changes stay, and are tried again. */
  function refused(error: AppError): void {
    pending = pending.map((changes) => {
      changes.reject(error)
      return changes.again()
    })
    if (closed) return
    retry = setTimeout(() => {
      retry = undefined
      schedule()
    }, retryMs)
  }

  function find(key: Uint8Array): SessionChange | undefined {
    for (let i = pending.length - 1; i >= 0; i--) {
      const change = pending[i]?.find(key)
      if (change !== undefined) return change
    }
    return undefined
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
      const db = opened()
      const change = find(key)
      if (change === undefined) return db.get(asBuffer(key))
      return change.value === undefined ? undefined : Buffer.from(change.value)
    },

    range(from, to, limit) {
      const overlay = new Map<string, SessionChange>()
      for (const changes of pending) changes.collect(from, to, overlay)
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
      let last = pending.at(-1)
      if (last === undefined || last.isFull) {
        last = new PendingChanges()
        pending.push(last)
      }
      for (const change of changes) last.add(change)
      schedule()
    },

    async flushed() {
      await pending.at(-1)?.done
    },

    stats(): SessionStoreStats {
      const { mapSize, lastPageNumber, pageSize } = pageStats(opened().getStats())
      return {
        bytes: Math.min(mapSize, (lastPageNumber + 1) * pageSize),
        pendingBytes: pending.reduce((sum, changes) => sum + changes.bytes, 0),
      }
    },

    async close() {
      if (db === undefined || closed) return
      closed = true
      clearTimeout(retry)
      retry = undefined
      schedule()
      try {
        while (pending.length > 0) await pending.at(-1)?.done
      } finally {
        await closeWithin(db)
        db = undefined
      }
    },
  }
}
