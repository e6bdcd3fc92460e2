import { join } from 'node:path'
import { open } from 'lmdb'
import type { LogPosition } from '../../store/log/index.ts'
import type { LogEngine } from './engine.ts'

/**
 * The log as one LMDB value per batch, its key the position before it. An append resolves after `flushed`: the put's own
 * promise comes before the sync.
 */
export async function openLmdb(folder: string): Promise<LogEngine> {
  const db = open<Uint8Array, number>({ path: join(folder, 'log.mdb'), encoding: 'binary', mapSize: 8 * 2 ** 30 })
  let end = 0
  let commits = 0
  let removedTo = 0
  let removing: Promise<unknown> = Promise.resolve()

  const removeTo = async (position: LogPosition): Promise<void> => {
    const keys = [...db.getKeys({ start: removedTo, end: position })]
    removedTo = position
    await db.batch(() => {
      for (const key of keys) db.remove(key)
    })
  }

  return {
    log: {
      lastReceivedMs: 0,
      async append(frames) {
        const start = end
        end += frames.length
        const position = end
        db.put(start, frames)
        await db.flushed
        commits++
        return position
      },
      waitForRoom: () => Promise.resolve(),
    },
    release(position) {
      // Not for every batch: 16 MiB at a time, or all.
      if (position - removedTo > 16 * 1024 * 1024 || position === end)
        removing = removing.then(() => removeTo(position))
    },
    async readAll() {
      let bytes = 0
      for (const { value } of db.getRange()) bytes += value.length
      return bytes
    },
    commits: () => commits,
    async close() {
      await removing
      await db.flushed
      await db.close()
    },
  }
}
